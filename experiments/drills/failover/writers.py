"""writers.py ADDRESS…: writes to every server, four times a second, past the sentinels, as clients do that have not heard of a failover.

:8000/one-primary   200 if at most one of them took the last write, else 503; the text says which did
:8000/writes        200 if at least one did, else 503
"""

import socket
import sys
import threading
import time

sys.path.append("../common")
from pages import serve  # noqa: E402

took = dict.fromkeys(sys.argv[1:], False)


def takes_writes(address):
    try:
        with socket.create_connection((address, 6379), timeout=0.5) as connection:
            connection.settimeout(0.5)
            connection.sendall(b"SET drill 1\r\n")
            return connection.recv(64).startswith(b"+OK")
    except OSError:
        return False


def write(address):
    while True:
        took[address] = takes_writes(address)
        time.sleep(0.25)


def one_primary():
    who = [address for address, it_did in took.items() if it_did]
    return 200 if len(who) <= 1 else 503, " ".join(who)


for address in took:
    threading.Thread(target=write, args=(address,), daemon=True).start()
serve(8000, {"/one-primary": one_primary, "/writes": lambda: "yes" if any(took.values()) else (503, "no")})
threading.Event().wait()
