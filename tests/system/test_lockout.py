"""No lock-out (law 4): under every network fault aimed at everything, the session that runs blackstart, ARP, neighbour
discovery and DHCP go on, and nobody's nft rules, qdiscs or files are touched."""

import hashlib
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

from inside import inside, udp
from lab import BLACKSTART, Lab, features

PYTHON = "/usr/bin/python3"
HERE = Path(__file__).resolve().parent
HOST4, PEER4, HOST6, PEER6 = "10.77.0.1", "10.77.0.2", "fd77:0::1", "fd77:0::2"
SOON = 2.5  # seconds: what is spared answers in milliseconds, even here
LONG = 20  # seconds of delay: what is not spared does not answer in any test's patience

ALL = ["--to", "any", "--direction", "both"]

# Every network kind that lets nothing through, aimed at everything, both ways. A new kind is one entry.
NETWORK_FAULTS = {
    "latency": ["latency", *ALL, "--delay", f"{LONG}s"],
    "latency-line": ["latency", *ALL, "--delay", f"{LONG}s", "--delay-line"],
    "loss": ["loss", *ALL, "--share", "100%"],
    "corrupt": ["corrupt", *ALL, "--share", "100%"],
    "reorder": ["reorder", *ALL, "--share", "100%", "--delay", f"{LONG}s"],
    "bandwidth": ["bandwidth", *ALL, "--rate", "8kbit"],
    "partition": ["partition", *ALL],
    "partition-reject": ["partition", *ALL, "--reject"],
    "partition-cut": ["partition", *ALL, "--established", "cut"],
}


class Session:
    """The user's end of an ssh-like connection."""

    def __init__(self, host, address, timeout=5):
        with inside(host):
            self.socket = socket.create_connection((address, 2222), timeout)
        self.lines = self.socket.makefile("r")

    def say(self, line, timeout=SOON):
        """Seconds until the line comes back."""
        self.socket.settimeout(timeout)
        start = time.monotonic()
        self.socket.sendall(f"{line}\n".encode())
        assert self.lines.readline() == f"{line}\n"
        return time.monotonic() - start

    def close(self):
        self.lines.close()
        self.socket.close()


def files_of(folder):
    """Name, content and time of every file below."""
    seen = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            seen[str(path)] = (stat.st_mtime_ns, stat.st_size, hashlib.sha256(path.read_bytes()).hexdigest() if stat.st_size < 1 << 20 else "")
    return seen


def untouched(host):
    """What law 4 leaves alone: nft rules, the qdiscs of the user's devices, /etc."""
    ours = (" dev bsd",) if features()["tcx"] else (" dev bsd", "qdisc clsact")
    qdiscs = "\n".join(line for line in host.run("tc", "qdisc", "show").stdout.splitlines() if not any(word in line for word in ours))
    return {"nft": host.run("nft", "list", "ruleset").stdout, "qdiscs": qdiscs, "etc": files_of("/etc")}


@pytest.fixture(scope="module")
def hosts(isolated):
    """The host under test, on which blackstart runs, and a peer with a DHCP server for both families."""
    lab = Lab()
    host, peer = lab.pair()
    host.run("nft", "add table inet users; add chain inet users input { type filter hook input priority 0; }", check=True)
    host.run("tc", "qdisc", "replace", "dev", "eth0", "root", "pfifo", "limit", "1234", check=True)
    peer.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=", "--port=0", "--no-ping",
               "--dhcp-leasefile=/run/netns/.leases", "--dhcp-authoritative", "--interface=eth0", "--bind-interfaces",
               "--dhcp-range=10.77.0.100,10.77.0.200,1h", "--dhcp-range=fd77:0::100,fd77:0::200,64,1h", stdout=subprocess.DEVNULL)
    host.start(PYTHON, HERE / "session.py", 2222)
    for end in (host, peer):
        end.start(PYTHON, HERE / "echo.py", 7777, stdout=subprocess.DEVNULL)
    host.wait_tcp("127.0.0.1", 2222)
    peer_serves(host)
    yield host, peer
    lab.close()


def peer_serves(host):
    until = time.monotonic() + 15
    while dhcp4(host) is None or dhcp6(host) is None or udp(host, PEER6, 7777, b"x", 0.5)[0] is None:
        assert time.monotonic() < until, "the peer does not serve"


@pytest.fixture(params=[(HOST4, 4), (HOST6, 6)], ids=["v4", "v6"])
def session(request, hosts):
    made = opened(hosts[1], request.param[0])
    yield made
    made.close()


def opened(host, address):
    """The fault of the session before may take a moment to be gone."""
    until = time.monotonic() + 15
    while True:
        try:
            made = Session(host, address)
            made.say("hello")
            return made
        except (OSError, AssertionError):
            assert time.monotonic() < until, "no session opens"
            time.sleep(0.05)


@pytest.fixture(params=NETWORK_FAULTS.values(), ids=NETWORK_FAULTS.keys())
def armed(request, hosts, session):
    """The fault, put in force by the session itself."""
    host, _ = hosts
    before = untouched(host)
    session.say(" ".join(["run", BLACKSTART, "inject", *request.param, "--for", "60s", "--netns", host.name]))
    until = time.monotonic() + 15
    while answers(host, PEER4) or answers(host, PEER6):
        assert time.monotonic() < until, "the fault is not in force"
        time.sleep(0.05)
    yield before


def answers(host, address, timeout=0.3):
    return udp(host, address, 7777, b"echo" * 200, timeout)[0] == b"echo" * 200


# --- DHCP clients, each one exchange --------------------------------------------------------------------------------


def dhcp4(host, timeout=SOON):
    """The address offered to a DISCOVER (RFC 2131), or None."""
    mac, xid = bytes.fromhex("02bb00000001"), os.urandom(4)
    discover = struct.pack("!BBBB4sHH4s4s4s4s16s192x", 1, 1, 6, 0, xid, 0, 0x8000, *[bytes(4)] * 4, mac) + bytes.fromhex("63825363350101ff")
    with inside(host), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        s.bind(("0.0.0.0", 68))
        s.settimeout(timeout)
        s.sendto(discover, ("255.255.255.255", 67))
        try:
            while True:
                offer = s.recv(2048)
                if offer[4:8] == xid:
                    return socket.inet_ntoa(offer[16:20])
        except TimeoutError:
            return None


def dhcp6(host, timeout=SOON):
    """Whether a SOLICIT (RFC 8415) is answered with an ADVERTISE; None if not."""
    xid = os.urandom(3)
    duid = bytes.fromhex("00030001" "02bb00000001")
    solicit = b"\x01" + xid + struct.pack("!HH", 1, len(duid)) + duid + struct.pack("!HHIII", 3, 12, 1, 0, 0)
    with inside(host), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        s.bind(("::", 546))
        s.settimeout(timeout)
        s.sendto(solicit, ("ff02::1:2", 547, 0, socket.if_nametoindex("eth0")))
        try:
            while True:
                answer = s.recv(2048)
                if answer[:4] == b"\x02" + xid:
                    return True
        except TimeoutError:
            return None


def resolves(host, address):
    """Whether a neighbour that was forgotten is found again. A packet to it asks; it need not arrive."""
    host.run("ip", "neigh", "flush", "all", check=True)
    host.run("ip", "-6", "neigh", "flush", "all", check=True)
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        udp(host, address, 7777, b"who?", 0.05)
        if "lladdr" in host.run("ip", "neigh", "show", "to", address).stdout:
            return True
    return False


# --- the tests ------------------------------------------------------------------------------------------------------


def test_what_must_live_lives(hosts, session, armed):
    host, peer = hosts
    assert max(session.say("still there?") for _ in range(5)) < SOON, "the session that runs it"
    for ours, theirs in ((HOST4, PEER4), (HOST6, PEER6)):
        assert resolves(host, theirs), f"the host finds {theirs}"
        assert resolves(peer, ours), f"the peer finds {ours}"
    assert dhcp4(host) is not None, "DHCP"
    assert dhcp6(host) is not None, "DHCPv6"
    assert session.say("and now?") < SOON
    assert not answers(host, PEER4) and not answers(host, PEER6), "all of it under the fault"
    after = untouched(host)
    for what, was in armed.items():
        assert after[what] == was, f"{what} was touched"


def test_another_connection_to_the_same_port_is_not_spared(hosts, session, armed):
    """The exemption is for the connection, not for its port."""
    with pytest.raises((TimeoutError, ConnectionRefusedError)):
        Session(hosts[1], HOST4, timeout=1).say("who am I? " * 400, timeout=1)


def is_reset(host, other):
    try:
        other.say("still there?")
    except (ConnectionResetError, BrokenPipeError, AssertionError):
        return True
    return False


def is_doubled(host, other):
    with inside(host), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.3)
        s.connect((PEER4, 7777))
        s.send(b"echo")
        try:
            return (s.recv(16), s.recv(16)) == (b"echo", b"echo")
        except TimeoutError:
            return False


@pytest.mark.parametrize("fault, acts", [(["reset", *ALL], is_reset), (["duplicate", *ALL, "--share", "100%"], is_doubled)],
                         ids=["reset", "duplicate"])
def test_what_must_live_lives_under_what_lets_packets_through(hosts, session, fault, acts):
    host, peer = hosts
    before = untouched(host)
    other = Session(peer, HOST4)
    session.say(" ".join(["run", BLACKSTART, "inject", *fault, "--for", "60s", "--netns", host.name]))
    until = time.monotonic() + 15
    while not acts(host, other):
        assert time.monotonic() < until, "the fault is not in force"
        time.sleep(0.05)
    assert max(session.say("and I?") for _ in range(5)) < SOON
    for ours, theirs in ((HOST4, PEER4), (HOST6, PEER6)):
        assert resolves(host, theirs) and resolves(peer, ours)
    assert dhcp4(host) is not None and dhcp6(host) is not None
    other.close()
    after = untouched(host)
    for what, was in before.items():
        assert after[what] == was, f"{what} was touched"
