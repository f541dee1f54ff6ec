"""clients.py URL COUNT [--back-off]: COUNT clients, each of which wants one page a second and gives a try 200 ms.

A try that fails is made again at once. With --back-off a client waits first: any time (full jitter) up to 0.5 s, then up to 1 s, 2 s, 4 s
for each failure in a row.
"""

import random
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

url, count, back_off = urlsplit(sys.argv[1]), int(sys.argv[2]), "--back-off" in sys.argv[3:]
REQUEST = f"GET / HTTP/1.0\r\nHost: {url.hostname}\r\n\r\n".encode()
TIMEOUT, PAUSE, FIRST, LONGEST = 0.2, 1.0, 0.5, 4.0  # s


def page():
    try:
        with socket.create_connection((url.hostname, url.port), TIMEOUT) as connection:
            connection.sendall(REQUEST)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def client():
    time.sleep(random.uniform(0, PAUSE))
    failures = 0
    while True:
        if page():
            failures = 0
            time.sleep(PAUSE)
        else:
            failures += 1
            if back_off:
                time.sleep(random.uniform(0, min(LONGEST, FIRST * 2 ** (failures - 1))))


for _ in range(count):
    threading.Thread(target=client, daemon=True).start()
threading.Event().wait()
