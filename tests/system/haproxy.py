"""A HAProxy that checks every 200 ms, three to fall, two to rise, and what it thinks of its servers."""

import csv
import socket
import subprocess
import time

CONFIG = """
global
    stats socket {folder}/stats mode 600
defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    timeout check 300ms
    default-server inter 200ms fall 3 rise 2
"""


class Haproxy:
    """With these backends, each with a server "one", on a host; `folder` is its own."""

    def __init__(self, host, folder, backends):
        self.stats = folder / "stats"
        config = folder / "haproxy.cfg"
        config.write_text(CONFIG.format(folder=folder) + backends)
        self.child = host.start("haproxy", "-db", "-f", config, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not self.stats.exists():
            assert time.monotonic() < until, "HAProxy does not start"
            time.sleep(0.02)

    def server(self, backend):
        """What `show stat` says of its server, by column."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.stats))
            s.sendall(b"show stat\n")
            text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        return next(row for row in csv.DictReader(text.removeprefix("# ").splitlines()) if (row["pxname"], row["svname"]) == (backend, "one"))

    def state(self, backend):
        """UP, DOWN or DRAIN."""
        return self.server(backend)["status"].split()[0]

    def until(self, backend, wanted, bound=6.0):
        begin = time.monotonic()
        while self.state(backend) != wanted:
            assert time.monotonic() < begin + bound, f"{backend} is not {wanted} after {bound} s"
            time.sleep(0.02)

    def stays(self, backend, wanted, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.state(backend) == wanted
            time.sleep(0.02)

    def close(self):
        self.child.kill()
        self.child.wait()
