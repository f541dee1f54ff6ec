"""What the tests of network faults share: sockets of this process in two hosts, and what becomes of what they send."""

import contextlib
import re
import socket
import time

from inside import inside

V4, V6 = "10.77.0.2", "fd77:0::2"
NEAR = {V4: "10.77.0.1", V6: "fd77:0::1"}


def settled(hosts):
    """Until both families answer at once: the first IPv6 neighbour solicitations on a new wire may be lost."""
    for host in hosts:
        host.sysctl("net.ipv6.neigh.eth0.retrans_time_ms", 50)
    until = time.monotonic() + 10
    for address in (V4, V6):
        while hosts[0].run("ping", "-n", "-c", 1, "-W", 1, address).returncode != 0:
            assert time.monotonic() < until, "the wire does not settle"
    return hosts


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def sock(host, address, kind=socket.SOCK_DGRAM, bind=None):
    with inside(host):
        s = socket.socket(family(address), kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if bind:
            s.bind(bind)
        s.settimeout(3)
        return s


@contextlib.contextmanager
def datagrams(client, server, address, port=9000):
    """(source, sink): datagrams from the client to the server."""
    with sock(server, address, bind=(address, port)) as sink, sock(client, address) as source:
        source.connect((address, port))
        yield source, sink


def received(sink, wait=0.3):
    """What has arrived, until nothing more does for a while."""
    sink.settimeout(wait)
    got = []
    with contextlib.suppress(TimeoutError):
        while True:
            got.append(sink.recv(65536))
    return got


@contextlib.contextmanager
def connection(client, server, address, port=7000):
    """(client's end, server's end, listener) of an open TCP connection."""
    with sock(server, address, socket.SOCK_STREAM, (address, port)) as listener:
        listener.listen(8)
        with sock(client, address, socket.SOCK_STREAM) as near:
            near.connect((address, port))
            far, _ = listener.accept()
            far.settimeout(3)
            with far:
                yield near, far, listener


def connects(host, address, port, timeout=0.5):
    """None if a connection opens, else the error."""
    with sock(host, address, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        try:
            s.connect((address, port))
        except OSError as error:
            return error


def pings(host, address, count=5, every=0.02):
    out = host.run("ping", "-n", "-c", count, "-i", every, "-W", 1, address).stdout
    return len(re.findall(r"time=", out)), out


def milliseconds(host, address, count=3):
    times = [float(t) for t in re.findall(r"time=([0-9.]+) ms", host.run("ping", "-n", "-c", count, "-i", 0.02, "-W", 2, address).stdout)]
    return min(times) if times else None
