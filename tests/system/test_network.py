"""Loss, corrupt, duplicate, reorder, bandwidth, partition, reset: real sockets and real ping over a veth pair, both families."""

import contextlib
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from inside import inside
from lab import BLACKSTART, inject, sh

V4, V6 = "10.77.0.2", "fd77:0::2"
NEAR = {V4: "10.77.0.1", V6: "fd77:0::1"}


@pytest.fixture
def wire(pair):
    for host in pair:
        host.sysctl("net.ipv6.neigh.eth0.retrans_time_ms", 50)
    until = time.monotonic() + 10
    for address in (V4, V6):
        while pair[0].run("ping", "-n", "-c", 1, "-W", 1, address).returncode != 0:
            assert time.monotonic() < until, "the wire does not settle"
    return pair


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


# ---- loss, duplicate, reorder, corrupt ------------------------------------------------------------------------------


@pytest.mark.sanitize
@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("where", ["egress", "ingress"])
def test_every_third_datagram_is_lost_in_silence_and_other_peers_lose_none(wire, address, where):
    client, server = wire
    host, far = (client, address) if where == "egress" else (server, NEAR[address])
    other = V6 if address == V4 else V4
    with inject(host, "loss", "--to", far, "--protocol", "udp", "--every", 3, "--direction", where) as fault:
        with datagrams(client, server, address) as (source, sink):
            for i in range(30):
                source.send(b"%d" % i)  # no error at the sender
            assert [int(d) for d in received(sink)] == [i for i in range(30) if i % 3 != 2]
        with datagrams(client, server, other) as (source, sink):
            for i in range(30):
                source.send(b"%d" % i)
            assert len(received(sink)) == 30
        restored = fault.stop()
    assert restored["matched"] == 30 and restored["hits"] == 10 and restored["unseen"] == 0 and restored["dropped"] == 0
    assert pings(client, address)[0] == 5


def test_a_share_is_lost_each_way_and_a_stream_arrives_whole_all_the_same(wire):
    client, server = wire
    with inject(client, "loss", "--to", V4, "--direction", "both", "--share", "5%", "--seed", 7) as fault:
        with connection(client, server, V4) as (near, far, _):
            data = bytes(range(256)) * 512
            near.sendall(data)
            near.shutdown(socket.SHUT_WR)
            far.settimeout(20)
            got = b""
            while chunk := far.recv(65536):
                got += chunk
            assert got == data
        restored = fault.stop()
    assert restored["matched"] > restored["hits"]


def test_loss_on_loopback_is_drawn_once_a_packet(wire):
    client, _ = wire
    for address in ("127.0.0.1", "::1"):
        with inject(client, "loss", "--to", address, "--protocol", "udp", "--every", 2, "--direction", "both") as fault:
            with datagrams(client, client, address) as (source, sink):
                for i in range(20):
                    source.send(b"%d" % i)
                assert [int(d) for d in received(sink)] == list(range(0, 20, 2))
            assert fault.stop()["matched"] == 20


@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("where", ["egress", "ingress"])
def test_a_duplicate_comes_right_behind_its_original(wire, address, where):
    client, server = wire
    host, far = (client, address) if where == "egress" else (server, NEAR[address])
    with inject(host, "duplicate", "--to", far, "--protocol", "udp", "--every", 2, "--direction", where) as fault:
        with datagrams(client, server, address) as (source, sink):
            for i in range(6):
                source.send(b"%d" % i)
            assert [int(d) for d in received(sink)] == [0, 1, 1, 2, 3, 3, 4, 5, 5]
        assert fault.stop()["hits"] == 3


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_duplicates_on_loopback(wire, address):
    client, _ = wire
    with inject(client, "duplicate", "--to", address, "--protocol", "udp", "--share", "100%", "--direction", "both"):
        with datagrams(client, client, address) as (source, sink):
            for i in range(3):
                source.send(b"%d" % i)
            assert [int(d) for d in received(sink)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("address", [V4, V6])
def test_what_is_held_back_is_overtaken(wire, address):
    client, server = wire
    with inject(client, "reorder", "--to", address, "--protocol", "udp", "--every", 5, "--delay", "150ms") as fault:
        with datagrams(client, server, address) as (source, sink):
            for i in range(10):
                source.send(b"%d" % i)
            assert [int(d) for d in received(sink)] == [0, 1, 2, 3, 5, 6, 7, 8, 4, 9]
        assert fault.stop()["hits"] == 2


@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("where", ["egress", "ingress"])
def test_a_damaged_packet_is_thrown_away_by_its_receiver(wire, address, where):
    client, server = wire
    host, far = (client, address) if where == "egress" else (server, NEAR[address])
    counter = "Udp6InCsumErrors" if address == V6 else "UdpInCsumErrors"

    def bad_sums():
        return int(server.run("nstat", "-asz", counter).stdout.split()[-2])

    with inject(host, "corrupt", "--to", far, "--protocol", "udp", "--every", 2, "--direction", where) as fault:
        assert fault.armed["how"] == "tcx, delay line"
        with datagrams(client, server, address) as (source, sink):
            before = bad_sums()
            for i in range(40):
                source.send(b"%02d" % i * 200)
            got = received(sink)
            assert [int(d[:2]) for d in got] == list(range(0, 40, 2)) and all(d == d[:2] * 200 for d in got)
            assert bad_sums() - before >= 10  # a flipped port or length is another error
        restored = fault.stop()
    assert restored["hits"] == 20


def test_a_stream_survives_damage(wire):
    client, server = wire
    with inject(client, "corrupt", "--to", V4, "--share", "10%", "--seed", 3, "--direction", "both") as fault:
        with connection(client, server, V4) as (near, far, _):
            data = bytes(range(256)) * 256
            near.sendall(data)
            near.shutdown(socket.SHUT_WR)
            far.settimeout(20)
            got = b""
            while chunk := far.recv(65536):
                got += chunk
            assert got == data
        fault.stop()


# ---- bandwidth ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [V4, V6])
def test_a_rate_is_kept_and_what_waits_too_long_is_dropped(wire, address):
    client, server = wire
    with inject(client, "bandwidth", "--to", address, "--protocol", "udp", "--rate", "1mbit", "--queue", "400ms") as fault:
        with datagrams(client, server, address) as (source, sink):
            start = time.monotonic()
            for i in range(100):  # 1042 bytes and more each: 8.3 ms at that rate
                source.send(b"%03d" % i + bytes(997))
            got = received(sink, 0.6)
            took = time.monotonic() - start - 0.6
        assert 45 <= len(got) <= 55 and [int(d[:3]) for d in got] == list(range(len(got)))
        assert 0.37 <= took < 1.0
        restored = fault.stop()
    assert restored["dropped"] == 100 - len(got)
    assert restored["delay"]["max_us"] >= 300_000


def test_each_direction_has_the_rate_for_itself(wire):
    client, server = wire
    with inject(client, "bandwidth", "--to", V4, "--protocol", "udp", "--rate", "1mbit", "--queue", "2s", "--direction", "both"):
        with datagrams(client, server, V4) as (out, at_server), datagrams(server, client, NEAR[V4], 9001) as (back, at_client):
            start = time.monotonic()
            for _ in range(50):
                out.send(bytes(1000))
                back.send(bytes(1000))
            assert len(received(at_server)) == 50 and len(received(at_client)) == 50
            assert 0.4 <= time.monotonic() - start < 1.6


# ---- partition ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("direction", ["egress", "ingress", "both"])
def test_nothing_gets_through_a_partition_and_all_is_well_after_it(wire, address, direction):
    client, server = wire
    other = V6 if address == V4 else V4
    with sock(server, address, socket.SOCK_STREAM, (address, 7000)) as listener:
        listener.listen(8)
        with inject(client, "partition", "--to", address, "--direction", direction) as fault:
            assert isinstance(connects(client, address, 7000), TimeoutError)
            assert pings(client, address, 2)[0] == 0 and pings(client, other, 2)[0] == 2
            assert fault.stop()["hits"] > 0
        assert connects(client, address, 7000, 3) is None and pings(client, address)[0] == 5


def test_one_way_is_one_way(wire):
    client, server = wire
    with inject(client, "partition", "--to", V4, "--protocol", "udp", "--direction", "egress"):
        with datagrams(server, client, NEAR[V4]) as (source, sink):
            source.send(b"in")
            assert received(sink) == [b"in"]
        with datagrams(client, server, V4) as (source, sink):
            source.send(b"out")
            assert received(sink) == []


@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("where", ["client", "server"])
def test_a_rejecting_partition_tells_the_sender_at_once(wire, address, where):
    client, server = wire
    host, far, way = (client, address, "egress") if where == "client" else (server, NEAR[address], "ingress")
    with sock(server, address, socket.SOCK_STREAM, (address, 7000)) as listener, connection(client, server, address, 7001) as (near, _, _2):
        listener.listen(8)
        with inject(host, "partition", "--to", far, "--direction", way, "--reject"):
            assert isinstance(connects(client, address, 7000, 3), ConnectionRefusedError)
            with pytest.raises(ConnectionResetError):
                near.send(b"anybody there?")
                near.recv(10)
            with datagrams(client, server, address) as (source, sink):
                source.send(b"x")
                with pytest.raises(ConnectionRefusedError):
                    source.recv(10)
                assert received(sink) == []
            assert "nreachable" in pings(client, address, 1)[1]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_rejecting_partition_on_loopback(wire, address):
    client, _ = wire
    with sock(client, address, socket.SOCK_STREAM, (address, 7000)) as listener:
        listener.listen(8)
        with inject(client, "partition", "--to", address, "--port", 7000, "--reject"):
            assert isinstance(connects(client, address, 7000, 3), ConnectionRefusedError)
            with sock(client, address) as source:
                source.connect((address, 7000))
                source.send(b"x")
                with pytest.raises(ConnectionRefusedError):
                    source.recv(10)
        assert connects(client, address, 7000, 3) is None


@pytest.mark.parametrize("address", [V4, V6])
def test_open_connections_can_be_kept(wire, address):
    client, server = wire
    with connection(client, server, address) as (near, far, _):
        with inject(client, "partition", "--to", address, "--direction", "both", "--established", "keep"):
            near.send(b"still here")
            assert far.recv(20) == b"still here"
            assert isinstance(connects(client, address, 7000), TimeoutError)
            assert pings(client, address, 2)[0] == 0


@pytest.mark.parametrize("address", [V4, V6])
def test_open_connections_can_be_cut(wire, address):
    client, server = wire
    with connection(client, server, address) as (near, far, _), connection(client, server, V4 if address == V6 else V6, 7002) as (spared, at, _2):
        with inject(client, "partition", "--to", address, "--direction", "both", "--established", "cut"):
            with pytest.raises((ConnectionAbortedError, ConnectionResetError)):
                near.send(b"x")
                near.recv(10)
            far.settimeout(0.3)
            with pytest.raises(TimeoutError):
                far.recv(10)  # the other side of a partition is not told
            spared.send(b"whole")
            assert at.recv(10) == b"whole"


# ---- reset ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [V4, V6, "127.0.0.1", "::1"])
def test_open_connections_that_match_are_reset_at_both_ends_and_no_others(wire, address):
    client, server = wire
    if address in ("127.0.0.1", "::1"):
        server = client
    with connection(client, server, address) as (near, far, _), connection(client, server, address, 7001) as (spared, at, _2):
        with inject(client, "reset", "--to", address, "--port", 7000, "--direction", "both") as fault:
            for end in (near, far):
                with pytest.raises((ConnectionAbortedError, ConnectionResetError, BrokenPipeError)):
                    end.send(b"x")
                    end.recv(10)
            spared.send(b"whole")
            assert at.recv(10) == b"whole"
            assert fault.stop()["hits"] >= 1


@pytest.mark.parametrize("address", [V4, V6, "127.0.0.1", "::1"])
def test_a_connection_that_is_opened_later_is_reset_as_soon_as_it_is_open(wire, address):
    client, server = wire
    if address in ("127.0.0.1", "::1"):
        server = client
    with sock(server, address, socket.SOCK_STREAM, (address, 7000)) as listener, inject(client, "reset", "--to", address, "--port", 7000) as fault:
        listener.listen(8)
        with sock(client, address, socket.SOCK_STREAM) as near, pytest.raises((ConnectionResetError, BrokenPipeError)):
            near.connect((address, 7000))
            for _ in range(10):
                near.send(b"x" * 1000)
                time.sleep(0.05)
        assert fault.stop()["hits"] >= 1


def test_a_router_resets_connections_that_pass_it(lab):
    client, router, server = lab.host("client"), lab.host("router"), lab.host("server")
    lab.wire(client, router, 0, a_if="eth0", b_if="eth0")
    lab.wire(router, server, 1, a_if="eth1", b_if="eth0")
    router.sysctl("net.ipv4.ip_forward", 1)
    client.run("ip", "route", "add", "10.77.1.0/24", "via", "10.77.0.2", check=True)
    server.run("ip", "route", "add", "10.77.0.0/24", "via", "10.77.1.1", check=True)
    with connection(client, server, "10.77.1.2") as (near, far, _):
        with inject(router, "reset", "--to", "10.77.1.2", "--interface", "eth1") as fault:
            with contextlib.suppress(ConnectionResetError):
                near.send(b"x")
            for end in (near, far):
                with pytest.raises(ConnectionResetError):
                    end.recv(10)
            assert fault.stop()["hits"] >= 1


# ---- stacking -------------------------------------------------------------------------------------------------------


def milliseconds(host, address, count=3):
    times = [float(t) for t in re.findall(r"time=([0-9.]+) ms", host.run("ping", "-n", "-c", count, "-i", 0.02, "-W", 2, address).stdout)]
    return min(times) if times else None


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
    import os

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


# ---- the end --------------------------------------------------------------------------------------------------------

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
        fault.process.send_signal(signal.SIGCONT)
        _, restored = fault.finish(10)
        assert restored["lapsed"] and fault.process.returncode == 3


# ---- latency, the whole of it ---------------------------------------------------------------------------------------


def test_a_handshake_can_be_spared(wire):
    client, server = wire
    with sock(server, V4, socket.SOCK_STREAM, (V4, 7000)) as listener:
        listener.listen(8)
        with inject(client, "latency", "--to", V4, "--delay", "200ms", "--skip-handshake"):
            start = time.monotonic()
            with sock(client, V4, socket.SOCK_STREAM) as near:
                near.connect((V4, 7000))
                assert time.monotonic() - start < 0.15
                far, _ = listener.accept()
                far.settimeout(3)
                start = time.monotonic()
                near.send(b"x")
                assert far.recv(10) == b"x" and time.monotonic() - start >= 0.2
                far.close()


def test_the_delay_that_was_really_applied_is_told(wire):
    client, _ = wire
    with inject(client, "latency", "--to", V4, "--delay", "30ms", "--delay-line") as fault:
        pings(client, V4, 20)
        delay = fault.stop()["delay"]
    assert delay["packets"] == 20 and 30_000 <= delay["p50_us"] < 45_000 and delay["p50_us"] <= delay["p99_us"] <= delay["max_us"] < 200_000


def test_a_table_of_delays_is_drawn_from(wire):
    client, _ = wire
    with inject(client, "latency", "--to", V4, "--delay", "1ms", "--distribution", "0ms,0ms,60ms,60ms", "--seed", 5) as fault:
        pings(client, V4, 40)
        delay = fault.stop()["delay"]
    assert fault.armed["how"] == "tcx, delay line" and delay["packets"] == 40 and 55_000 < delay["max_us"] < 120_000


# ---- host names -----------------------------------------------------------------------------------------------------


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


def test_a_name_that_does_not_resolve_is_refused(wire, names):
    done = sh(BLACKSTART, "inject", "partition", "--to", "web.test", "--for", "5s", "--netns", wire[0].name, check=False)
    assert done.returncode == 4 and "web.test" in done.stderr, done.stderr


# ---- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv, says",
    [
        (("loss", "--to", V4), "share"),
        (("loss", "--to", V4, "--share", "101%"), "at most 100%"),
        (("loss", "--to", V4, "--share", "10%", "--every", "3"), "one of them"),
        (("loss", "--share", "10%"), "nothing is matched"),
        (("loss", "--to", "10.0.0.0/33", "--share", "10%"), "10.0.0.0/33"),
        (("loss", "--to", V4, "--share", "10%", "--probability", "5%"), "--probability"),
        (("loss", "--to", V4, "--share", "90%", "--burst", "2"), "burst"),
        (("bandwidth", "--to", V4, "--rate", "10"), "10mbit"),
        (("bandwidth", "--to", V4, "--rate", "10mbt"), "mbit"),
        (("reorder", "--to", V4, "--share", "1%", "--delay", "6s"), "as long as the fault"),
        (("latency", "--to", V4, "--delay", "10ms", "--jitter", "1ms", "--distribution", "paretto"), "pareto"),
        (("latency", "--to", V4, "--delay", "10ms", "--distribution", "normal"), "jitter"),
        (("partition", "--to", V4, "--established", "kept"), "keep"),
        (("reset", "--to", V4, "--protocol", "udp"), "TCP"),
    ],
)
def test_what_cannot_be_is_refused_with_exit_2(argv, says):
    done = sh(BLACKSTART, "inject", *argv, "--for", "5s", check=False)
    assert done.returncode == 2 and says in done.stderr, done.stderr
