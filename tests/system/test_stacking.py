"""Network faults together, on one cgroup, by host name, and how they end."""

import contextlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from lab import BLACKSTART, Injected, inject, sh
from network import V4, V6, datagrams, family, milliseconds, pings, received, settled, sock


@pytest.fixture
def wire(pair):
    return settled(pair)


# ---- stacking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("late_first", [True, False])
def test_loss_and_latency_of_two_processes_act_once_each_whichever_came_first(wire, address, late_first):
    client, server = wire
    late = ("latency", "--to", address, "--delay", "40ms", "--direction", "both")
    lossy = ("loss", "--to", address, "--protocol", "udp", "--every", 2, "--direction", "both")
    with contextlib.ExitStack() as stack:
        faults = [stack.enter_context(inject(client, *argv)) for argv in ((late, lossy) if late_first else (lossy, late))]
        with datagrams(client, server, address) as (source, sink):
            for i in range(20):
                source.send(b"%d" % i)
            assert [int(d) for d in received(sink)] == list(range(0, 20, 2))
        assert 80 <= milliseconds(client, address) < 120
        faults[0].stop(signal.SIGKILL)
        if late_first:
            assert milliseconds(client, address) < 30
        else:
            assert 80 <= milliseconds(client, address) < 120
        with datagrams(client, server, address, 9001) as (source, sink):
            for i in range(20):
                source.send(b"%d" % i)
            assert len(received(sink)) == (10 if late_first else 20)
        faults[1].stop(signal.SIGTERM)
    assert pings(client, address)[0] == 5 and milliseconds(client, address) < 20


def test_eight_delays_of_as_many_processes_act_and_a_ninth_is_refused_until_one_has_gone(wire):
    client, _ = wire
    late = ("latency", "--to", V4, "--delay", "10ms")
    with contextlib.ExitStack() as stack:
        faults = [stack.enter_context(inject(client, *late)) for _ in range(8)]
        assert 80 <= milliseconds(client, V4) < 240
        ninth = ("inject", *late, "--for", "300ms", "--netns", client.name)
        done = sh(BLACKSTART, *ninth, check=False)
        assert done.returncode == 4 and "no room for a ninth" in done.stderr and "fix:" in done.stderr, done
        faults[3].stop(signal.SIGKILL)
        assert sh(BLACKSTART, *ninth, check=False).returncode == 3  # it hit nothing
        assert 70 <= milliseconds(client, V4) < 230


def test_duplicates_under_two_delays_are_two_and_come_off_in_any_order(wire):
    client, server = wire
    kinds = (("latency", "--delay", "20ms"), ("duplicate", "--share", "100%"), ("latency", "--delay", "30ms"), ("reorder", "--share", "100%", "--delay", "10ms"))
    with contextlib.ExitStack() as stack:
        faults = [stack.enter_context(inject(client, kind, "--to", V4, "--protocol", "udp", *more)) for kind, *more in kinds]
        with datagrams(client, server, V4) as (source, sink):
            start = time.monotonic()
            source.send(b"one")
            assert sink.recv(10) == b"one" and time.monotonic() - start >= 0.06
            assert received(sink) == [b"one"]
        for order in (2, 0, 3, 1):
            faults[order].stop()
            with datagrams(client, server, V4, 9100 + order) as (source, sink):
                source.send(b"two")
                assert received(sink) == [b"two"] * (1 if order == 1 else 2)


def in_cgroup(path, host, *argv, **kw):
    """A command whose sockets belong to a cgroup."""
    return subprocess.run(["sh", "-c", f'echo $$ > {path}/cgroup.procs && exec "$@"', "sh", *host.argv(*argv)], text=True, capture_output=True, timeout=30, **kw)


@pytest.fixture
def cgroups(tmp_path):
    """Two cgroups, in a mount of our own."""
    mount = tmp_path / "cgroup"
    mount.mkdir()
    sh("mount", "-t", "cgroup2", "none", mount)
    made = [mount / f"bs-test-{os.getpid()}-{i}" for i in (1, 2)]
    for path in made:
        path.mkdir()
    yield made
    for path in made:
        for _ in range(50):
            with contextlib.suppress(OSError):
                path.rmdir()
                break
            time.sleep(0.05)
    sh("umount", mount)


def ping_ms(done):
    times = [float(t) for t in re.findall(r"time=([0-9.]+) ms", done.stdout)]
    return min(times) if times else None


def test_a_fault_on_one_cgroup_sees_its_packets_whatever_is_attached_after_it(wire, cgroups):
    client, _ = wire
    ping = ("ping", "-n", "-c", 3, "-i", 0.02, "-W", 2, V4)
    with inject(client, "latency", "--to", V4, "--delay", "40ms", "--cgroup", cgroups[0].name):
        with inject(client, "latency", "--to", V4, "--delay", "20ms"):
            assert 60 <= ping_ms(in_cgroup(cgroups[0], client, *map(str, ping))) < 100
            assert 20 <= ping_ms(client.run(*ping)) < 40
            with inject(client, "partition", "--to", V4, "--cgroup", cgroups[1].name):
                assert ping_ms(in_cgroup(cgroups[1], client, *map(str, ping))) is None
                assert 60 <= ping_ms(in_cgroup(cgroups[0], client, *map(str, ping))) < 100


def test_a_second_fault_with_a_helper_on_one_cgroup_is_refused(wire, cgroups):
    client, _ = wire
    with inject(client, "latency", "--to", V4, "--delay", "40ms", "--cgroup", cgroups[0].name):
        second = sh(BLACKSTART, "inject", "latency", "--to", V4, "--delay", "10ms", "--cgroup", cgroups[1].name, "--for", "5s", "--netns", client.name, check=False)
        assert second.returncode == 4 and "cgroup" in second.stderr, second.stderr
        with inject(client, "loss", "--to", V4, "--share", "50%", "--cgroup", cgroups[1].name):
            pass
    with inject(client, "latency", "--to", V4, "--delay", "10ms", "--cgroup", cgroups[1].name):
        pass


# ---- host names -------------------------------------------------------------------------------------------------------


class NameServer(threading.Thread):
    """Answers web.test with a CNAME and the addresses it has at present, and other.test with 10.77.0.5."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.addresses = []
        self.socket = sock(host, V4, bind=(V4, 53))
        self.socket.settimeout(None)
        self.start()

    def run(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(512)
            except OSError:
                return
            if not query:  # shut down
                return
            end = query.index(b"\0", 12) + 5
            name, (qtype,) = query[12 : end - 4].lower(), struct.unpack("!H", query[end - 4 : end - 2])
            wanted = self.addresses if name == b"\3web\4test\0" else ["10.77.0.5"] if name == b"\5other\4test\0" else []
            packed = [socket.inet_pton(family(a), a) for a in wanted if (28 if ":" in a else 1) == qtype]
            records = b""
            if packed:
                target = b"\4real\xc0\x10"  # below test
                records = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 1, len(target)) + target
                records += b"".join(b"\x04real\4test\0" + struct.pack("!HHIH", qtype, 1, 1, len(a)) + a for a in packed)
            self.socket.sendto(query[:2] + b"\x81\x80" + struct.pack("!HHHH", 1, len(packed) and len(packed) + 1, 0, 0) + query[12:end] + records, peer)


def ask_for(host, name, qtype=1):
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack("!HH", qtype, 1)
    with sock(host, V4) as s:
        s.sendto(struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question, (V4, 53))
        return s.recv(512)


@pytest.fixture
def names(wire, tmp_path):
    """A name server on the server, and a resolv.conf of this test process that leads to it."""
    client, server = wire
    for last in (3, 4, 5):
        server.run("ip", "addr", "add", f"10.77.0.{last}/24", "dev", "eth0", check=True)
        server.run("ip", "addr", "add", f"fd77:0::{last}/64", "dev", "eth0", "nodad", check=True)
    made = NameServer(server)
    conf = tmp_path / "resolv.conf"
    conf.write_text(f"nameserver {V4}\n")
    sh("mount", "--bind", conf, "/etc/resolv.conf")
    yield made
    sh("umount", "/etc/resolv.conf")
    with contextlib.suppress(OSError):
        made.socket.shutdown(socket.SHUT_RDWR)
    made.socket.close()


def test_a_host_name_is_followed_as_its_answers_change(wire, names):
    client, _ = wire
    names.addresses = ["10.77.0.3"]
    for address in ("10.77.0.3", "10.77.0.4", "10.77.0.5", "fd77:0::4"):
        assert pings(client, address, 1)[0] == 1
    for kind, hit in ((("latency", "--delay", "60ms"), lambda a: milliseconds(client, a, 2) >= 60), (("partition",), lambda a: pings(client, a, 1)[0] == 0)):
        names.addresses = ["10.77.0.3"]
        with inject(client, kind[0], "--to", "WEB.test", *kind[1:]):
            assert hit("10.77.0.3") and not hit("10.77.0.4") and not hit("fd77:0::4")
            names.addresses = ["10.77.0.4", "fd77:0::4"]
            ask_for(client, "other.test")
            assert not hit("10.77.0.5") and not hit("10.77.0.4")
            ask_for(client, "wEb.Test")
            assert hit("10.77.0.4") and hit("10.77.0.3") and not hit("fd77:0::4")
            ask_for(client, "web.test", 28)
            assert hit("fd77:0::4") and not hit("10.77.0.5")


@pytest.fixture
def named_files(wire, tmp_path):
    """A name server on the server. Yields two names for the client's namespace, of which each brings a resolv.conf that leads to it, and an
    nsswitch.conf that names a library, which nobody is to load from there."""
    client, server = wire
    made = NameServer(server)
    made.addresses = [V4]
    conf = tmp_path / "resolv.conf"
    conf.write_text(f"nameserver {V4}\n")
    switch = tmp_path / "nsswitch.conf"
    switch.write_text("hosts: planted\n")
    folder = Path("/etc/netns")
    is_new = not folder.exists()
    folder.mkdir(exist_ok=True)
    sh("mount", "-t", "tmpfs", "none", folder)  # seen by this process only
    (folder / client.name).mkdir()
    for file in (conf, switch):
        shutil.copy(file, folder / client.name)
    inside = client.start("unshare", "-m", "sh", "-c",
                          f"mount --bind {conf} $(readlink -f /etc/resolv.conf); mount --bind {switch} /etc/nsswitch.conf; exec sleep 60")
    until = time.monotonic() + 10
    while Path(f"/proc/{inside.pid}/comm").read_text() != "sleep\n" and time.monotonic() < until:
        time.sleep(0.02)
    yield {"name": client.name, "pid": f"pid:{inside.pid}"}
    sh("umount", folder)
    if is_new:
        folder.rmdir()
    with contextlib.suppress(OSError):
        made.socket.shutdown(socket.SHUT_RDWR)
    made.socket.close()


@pytest.mark.parametrize("by", ["name", "pid"])
def test_a_host_name_is_found_by_the_files_of_the_targets_applications(wire, named_files, by):
    client, _ = wire
    with Injected("latency", "--to", "web.test", "--delay", "1ms", "--for", "60s", "--netns", named_files[by]) as fault:
        assert pings(client, V4, 1)[0] == 1
        assert fault.stop()["hits"] > 0


def test_a_name_that_does_not_resolve_is_refused(wire, names):
    done = sh(BLACKSTART, "inject", "partition", "--to", "web.test", "--for", "5s", "--netns", wire[0].name, check=False)
    assert done.returncode == 4 and "web.test" in done.stderr, done.stderr


# ---- the end ----------------------------------------------------------------------------------------------------------


EACH = [
    ("loss", "--share", "100%"),
    ("partition",),
    ("partition", "--reject"),
    ("duplicate", "--share", "100%"),
    ("corrupt", "--share", "100%"),
    ("reorder", "--share", "100%", "--delay", "100ms"),
    ("bandwidth", "--rate", "8kbit", "--queue", "10ms"),
    ("reset",),
]


@pytest.mark.parametrize("kind", EACH, ids=lambda k: "-".join(k[:2]).replace("--", ""))
def test_sigkill_leaves_nothing(wire, kind):
    client, _ = wire
    with inject(client, kind[0], "--to", V4, "--direction", "both", *kind[1:]) as fault:
        fault.stop(signal.SIGKILL)
        start = time.monotonic()
        while pings(client, V4, 1)[0] != 1 or " bsd" in client.run("ip", "-br", "link").stdout:
            assert time.monotonic() - start < 2
    assert pings(client, V4, 3)[0] == 3 and pings(client, V6, 3)[0] == 3


@pytest.mark.parametrize("kind", [("loss", "--share", "100%"), ("partition",), ("bandwidth", "--rate", "8kbit", "--queue", "10ms")], ids=lambda k: k[0])
def test_sigstop_makes_it_inert_within_the_lease_and_is_final(wire, kind):
    client, _ = wire
    with inject(client, kind[0], "--to", V4, *kind[1:]) as fault:
        pings(client, V4, 3)
        fault.process.send_signal(signal.SIGSTOP)
        start = time.monotonic()
        while pings(client, V4, 3)[0] != 3:
            assert time.monotonic() - start < 5
        time.sleep(max(0.0, start + 3 - time.monotonic()))
        fault.wake()
