"""How long it takes there and back: the least of some rounds, as a machine may be busy."""

import re
import socket

from network import family


def rtts(host, address, count=4, every=0.02, extra=()):
    """Round trip times of ping, in ms."""
    out = host.run("ping", "-n", "-c", count, "-i", every, "-W", 3, *extra, address).stdout
    times = [float(t) for t in re.findall(r"time=([0-9.]+) ms", out)]
    assert len(times) == count, out
    return times


def least(measure, below, rounds=10):
    """The least of some measurements, asked again while it is not below a bound: one that is too long may be a busy machine's."""
    best = measure()
    while best >= below and rounds > 0:
        best, rounds = min(best, measure()), rounds - 1
    return best


def rtt(host, address, below=0, **kw):
    """The least round trip time in ms; `below`: what it is expected to be under."""
    return least(lambda: min(rtts(host, address, **kw)), below, 10 if below else 0)


ECHO = """
import socket, sys, threading
family, kind, address, port = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
s = socket.socket(family, kind); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((address, port))
if kind == socket.SOCK_STREAM: s.listen(16)
print("ready", flush=True)
def serve(c):
    while data := c.recv(65536): c.sendall(data)
while kind == socket.SOCK_DGRAM:
    data, peer = s.recvfrom(65536); s.sendto(data, peer)
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"""


def echo_server(host, address, port, kind=socket.SOCK_STREAM):
    child = host.start("/usr/bin/python3", "-c", ECHO, int(family(address)), int(kind), address, port)
    assert child.stdout.readline() == "ready\n"
    return child


ASK = """
import socket, sys, time
family, kind, near, far, port, size = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), int(sys.argv[6])
s = socket.socket(family, kind); s.settimeout(8)
if near: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("::" if ":" in far else "", near))
s.connect((far, port))
best = 1e9
for i in range(3):
    t = time.monotonic(); s.send(b"x" * size); assert len(s.recv(65536)) > 0; best = min(best, time.monotonic() - t)
print(best * 1000)
"""


def echo_ms(host, address, port, kind=socket.SOCK_STREAM, near=0, size=10, below=0):
    """The best of three answers of an echo server to a process of its own, in ms; `below` as of rtt()."""

    def measure():
        done = host.run("/usr/bin/python3", "-c", ASK, int(family(address)), int(kind), near, address, port, size)
        assert done.returncode == 0, done.stderr
        return float(done.stdout)

    return least(measure, below, 10 if below else 0)
