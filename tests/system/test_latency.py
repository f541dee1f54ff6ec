"""Latency: what is delayed, by how much, and what is left alone. Real ping, curl, socat and sockets; the kernel's own helper path."""

import contextlib
import hashlib
import os
import re
import select
import signal
import socket
import statistics
import subprocess
import time

import pytest

from inside import inside
from lab import BLACKSTART, features, inject, sh
from network import V4, V6, settled
from round_trips import echo_ms, echo_server, rtt, rtts


# ---- what is delayed, and by how much -------------------------------------------------------------------------------


@pytest.mark.sanitize
@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("direction, times", [("egress", 1), ("ingress", 1), ("both", 2)])
def test_matching_packets_are_delayed_each_way_and_others_are_not(wire, address, direction, times):
    client, server = wire
    other = V6 if address == V4 else V4
    with inject(client, "latency", "--to", address, "--direction", direction, "--delay", "40ms") as fault:
        assert fault.armed["how"].split(", ")[1] in ("delay line", "netem")
        assert 40 * times <= rtt(client, address, below=40 * times + 15) < 40 * times + 15
        assert rtt(client, other, below=20) < 20
        assert 40 * times <= rtt(server, address.replace("2", "1") if address == V4 else "fd77:0::1", count=2, below=40 * times + 15) < 40 * times + 15
    assert rtt(client, address, below=20) < 20
    with inject(client, "latency", "--to", address, "--direction", direction, "--delay", "40ms") as fault:
        sent = len(rtts(client, address, count=6))
        restored = fault.stop()
    assert restored["hits"] == sent * times and restored["dropped"] == 0 and restored["unseen"] == 0 and not restored["lapsed"]


def test_to_is_the_far_end_and_from_the_near_end(wire):
    client, _ = wire
    with inject(client, "latency", "--from", V4, "--direction", "both", "--delay", "40ms"):
        assert rtt(client, V4, below=20) < 20  # near the client that address never is
    with inject(client, "latency", "--from", "10.77.0.0/31", "--from", "fd77::/32", "--direction", "both", "--delay", "40ms"):
        assert 80 <= rtt(client, V4, below=100) < 100 and 80 <= rtt(client, V6, below=100) < 100


@pytest.mark.parametrize("address", [V4, V6])
def test_a_port_matches_either_end_and_no_other_port_is_delayed(wire, address):
    client, server = wire
    for port in (8080, 8081):
        echo_server(server, address, port)
    with inject(client, "latency", "--port", 8080, "--direction", "both", "--delay", "40ms", "--interface", "eth0"):
        assert 80 <= echo_ms(client, address, 8080, below=110) < 110
        assert echo_ms(client, address, 8081, below=30) < 30
        assert 80 <= echo_ms(client, address, 8081, near=8080, below=110) < 110
        assert rtt(client, address, below=20) < 20


def test_a_protocol_matches_itself_only(wire):
    client, server = wire
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        echo_server(server, V4, 9000, kind)
    slow = {}
    for protocol in ("tcp", "udp", "icmp"):
        with inject(client, "latency", "--protocol", protocol, "--delay", "60ms", "--interface", "eth0"):
            slow[protocol] = (
                echo_ms(client, V4, 9000) >= 60,
                echo_ms(client, V4, 9000, socket.SOCK_DGRAM) >= 60,
                rtt(client, V4) >= 60,
                rtt(client, V6) >= 60,
            )
    assert slow == {"tcp": (True, False, False, False), "udp": (False, True, False, False), "icmp": (False, False, True, True)}


def test_jitter_spreads_the_delay_and_a_share_spares_the_rest(wire):
    client, _ = wire
    with inject(client, "latency", "--to", V4, "--delay", "30ms", "--jitter", "20ms", "--seed", 7):
        times = rtts(client, V4, count=40)
        assert 10 <= min(times) and statistics.median(times) < 75 and statistics.pstdev(times) > 5
    with inject(client, "latency", "--to", V4, "--delay", "50ms", "--probability", "50%", "--seed", 7) as fault:
        slow = sum(t >= 50 for t in rtts(client, V4, count=40))
        restored = fault.stop()
    assert 8 <= slow <= 32 and restored["hits"] == slow and restored["matched"] == 40


def test_a_delay_follows_the_last_as_far_as_they_are_correlated(wire):
    client, _ = wire

    def likeness(share):
        """Of each round trip with the next: 0 to 1."""
        with inject(client, "latency", "--to", V4, "--delay", "40ms", "--jitter", "30ms", "--correlation", share, "--seed", 7):
            times = rtts(client, V4, count=150, every=0.03)
        return statistics.correlation(times, times[1:] + times[:1])

    assert likeness("0%") < 0.4 < 0.6 < likeness("90%")


def test_a_large_transfer_arrives_whole(pair):
    client, server = settled(pair)
    data = os.urandom(1 << 20) * 32
    with inject(client, "latency", "--to", "10.77.0.0/24", "--to", "fd77::/32", "--direction", "both", "--delay", "3ms") as fault:
        for family, address in (("4", V4), ("6", V6)):
            sink = server.start("socat", "-u", f"TCP{family}-LISTEN:7000,reuseaddr", "EXEC:sha256sum", stderr=subprocess.DEVNULL)
            _until_listening(server, 7000)
            bracketed = f"[{address}]" if family == "6" else address
            sent = subprocess.run(client.argv("socat", "-u", "-", f"TCP{family}:{bracketed}:7000"), input=data, timeout=30, capture_output=True)
            assert sent.returncode == 0, sent.stderr
            out, _ = sink.communicate(timeout=30)
            assert hashlib.sha256(data).hexdigest() in out
        restored = fault.stop()
    assert restored["dropped"] == 0 and restored["hits"] > 100


def _until_listening(host, port):
    until = time.monotonic() + 5
    while f":{port}" not in host.run("ss", "-Hltn").stdout:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_datagrams_of_every_size_arrive_whole(pair):
    client, server = settled(pair)
    for address in (V4, V6):
        echo_server(server, address, 9000, socket.SOCK_DGRAM)
    with inject(client, "latency", "--to", "10.77.0.0/24", "--to", "fd77::/32", "--direction", "both", "--delay", "20ms"):
        for address in (V4, V6):
            for size in (1, 1400):
                assert 40 <= echo_ms(client, address, 9000, socket.SOCK_DGRAM, size=size, below=80) < 80
            assert echo_ms(client, address, 9000, socket.SOCK_DGRAM, size=20000, below=200) < 200  # fragments: never lost, at worst not delayed


def test_it_works_on_the_host_that_answers_as_well(wire):
    client, server = wire
    with inject(server, "latency", "--to", "10.77.0.1", "--direction", "ingress", "--delay", "40ms"):
        assert 40 <= rtt(client, V4, below=55) < 55 and rtt(client, V6, below=20) < 20


# ---- what is never touched ------------------------------------------------------------------------------------------


def test_neighbours_and_addresses_stay_alive_under_any(wire):
    client, server = wire
    for address, port in ((V4, 67), (V6, 547)):
        echo_server(server, address, port, socket.SOCK_DGRAM)
    with inject(client, "latency", "--to", "any", "--direction", "both", "--delay", "400ms", "--interface", "eth0"):
        assert rtt(client, V4, count=1) >= 800
        out = client.run("arping", "-c", 3, "-i", "eth0", V4).stdout + client.run("arping", "-c", 3, "-I", "eth0", V4).stdout
        replies = [float(a) * (1 if u == "msec" else 0.001) for a, u in re.findall(r"time=([0-9.]+) (msec|usec)", out)]
        replies += [float(t) for t in re.findall(r"([0-9.]+)ms", out)]
        assert replies and max(replies) < 300, out
        assert _neighbour_found_within(client, V6, 0.39)
        assert echo_ms(client, V4, 67, socket.SOCK_DGRAM, near=68, below=100) < 100
        assert echo_ms(client, V6, 547, socket.SOCK_DGRAM, near=546, below=100) < 100


def _neighbour_found_within(host, address, seconds):
    host.run("ip", "-6", "neigh", "flush", "dev", "eth0")
    host.start("ping", "-c", "1", "-W", "2", address)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if "lladdr" in host.run("ip", "-6", "neigh", "show", address).stdout:
            return True
    return False


# Like a shell under sshd: it holds a connection, and blackstart is its child.
SESSION = """
import json, socket, subprocess, sys, time
session = socket.create_connection((sys.argv[1], 22), 5)
tool = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, text=True)
assert json.loads(tool.stdout.readline())["event"] == "armed"
print("armed", flush=True)
best = 9.0
for i in range(3):
    start = time.monotonic(); session.sendall(b"there?"); assert session.recv(99) == b"there?"; best = min(best, time.monotonic() - start)
print(best, flush=True)
sys.stdin.readline(); tool.terminate(); tool.wait(10)
"""


@pytest.mark.parametrize("address", [V4, V6])
def test_the_session_that_runs_us_stays_alive_under_any(wire, address):
    client, server = wire
    echo_server(server, address, 22)
    tool = (BLACKSTART, "inject", "latency", "--to", "any", "--direction", "both", "--delay", "300ms", "--for", "30s", "--interface", "eth0", "--json")
    session = client.start("/usr/bin/python3", "-c", SESSION, address, *tool, stdin=subprocess.PIPE)
    assert session.stdout.readline() == "armed\n"
    assert float(session.stdout.readline()) < 0.4
    assert echo_ms(client, address, 22) >= 600  # everybody else's
    session.communicate("end\n", timeout=10)


def test_the_host_is_as_before_while_armed_and_afterwards(wire):
    client, _ = wire
    rtt(client, V4), rtt(client, V6)

    def state():
        return {
            what: client.run(*command).stdout
            for what, command in {
                "links": ("ip", "-br", "link"),
                "qdiscs": ("tc", "qdisc"),
                "routes": ("ip", "route", "show", "table", "all"),
                "routes6": ("ip", "-6", "route", "show", "table", "all"),
                "nft": ("nft", "list", "ruleset"),
                "sysctls": ("sysctl", "-a", "-r", r"^net\.(ipv4|ipv6)\.conf\.(lo|eth0|all|default)\."),
            }.items()
        }

    def without_helper(text):
        # link-local addresses come and go with duplicate address detection
        ours = ("bsd", "fe80") if features()["tcx"] else ("bsd", "fe80", "qdisc clsact")
        return [line for line in text.splitlines() if not any(word in line for word in ours)]

    before = state()
    with inject(client, "latency", "--to", V4, "--delay", "10ms") as fault:
        rtt(client, V4)
        armed = state()
        fault.stop()
    assert {k: without_helper(v) for k, v in armed.items()} == {k: without_helper(v) for k, v in before.items()}
    assert {k: without_helper(v) for k, v in state().items()} == {k: without_helper(v) for k, v in before.items()}
    assert not _helpers(client)


def test_the_helper_sends_no_frame_of_its_own(wire):
    client, _ = wire
    with inject(client, "latency", "--to", "198.51.100.1", "--delay", "10ms") as fault:
        device = _helpers(client)[0]
        time.sleep(1.5)
        sent = client.run("cat", f"/proc/net/dev_snmp6/{device}").stdout
        counters = client.run("ip", "-s", "-j", "link", "show", device).stdout
        fault.stop()
    assert '"packets":0' in counters.replace(" ", "") and not re.search(r"Icmp6Out\w+\s+[1-9]", sent), counters


# ---- stacking -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("direction", ["egress", "ingress"])
def test_faults_of_two_processes_add_up_and_either_may_die(wire, address, direction):
    client, _ = wire
    where = ("--to", address, "--direction", direction)
    with inject(client, "latency", *where, "--delay", "20ms") as one, inject(client, "latency", *where, "--delay", "40ms") as two:
        assert 60 <= rtt(client, address, below=75) < 75
        one.stop(signal.SIGKILL)
        assert 40 <= rtt(client, address, below=55) < 55
        two.stop(signal.SIGKILL)
    assert rtt(client, address, below=20) < 20


def test_there_is_room_for_eight_and_the_ninth_is_told_so(wire):
    client, _ = wire
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(inject(client, "latency", "--to", V4, "--delay", "5ms"))
        assert 40 <= rtt(client, V4, below=70) < 70
        ninth = _refused(client, "--to", V4, "--delay", "5ms")
        assert ninth.returncode == 4 and "ninth" in ninth.stderr
    with inject(client, "latency", "--to", V4, "--delay", "5ms"):
        assert 5 <= rtt(client, V4, below=20) < 20


def test_faults_in_neighbouring_namespaces_do_not_take_each_others_packets_for_seen(wire):
    client, server = wire
    with inject(client, "latency", "--to", V4, "--delay", "20ms"), inject(server, "latency", "--to", "10.77.0.1", "--direction", "ingress", "--delay", "40ms"):
        assert 60 <= rtt(client, V4, below=75) < 75


# ---- the end ---------------------------------------------------------------------------------------------------------


def _helpers(host):
    return [d.split("@")[0] for d in host.run("ip", "-br", "link").stdout.split() if d.startswith("bsd")]


def test_what_is_held_at_the_end_is_sent_on(wire):
    client, server = wire
    with inside(server):
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sink.bind((V4, 9000))
        sink.settimeout(2)
    with inside(client):
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inject(client, "latency", "--to", V4, "--delay", "5s") as fault:
        for i in range(20):
            source.sendto(b"%d" % i, (V4, 9000))
        time.sleep(0.1)
        assert not select.select([sink], [], [], 0)[0]
        assert fault.stop()["hits"] == 20
        if "delay line" in fault.armed["how"]:
            assert [int(sink.recv(100)) for _ in range(20)] == list(range(20))


def test_sigkill_leaves_nothing(wire):
    client, _ = wire
    for direction in ("egress", "both"):
        with inject(client, "latency", "--to", V4, "--direction", direction, "--delay", "40ms") as fault:
            assert rtt(client, V4) >= 40 and _helpers(client)
            fault.stop(signal.SIGKILL)
            start = time.monotonic()
            while _helpers(client):
                assert time.monotonic() - start < 0.1 + 0.2  # `ip` itself takes a while on a busy machine
        assert rtt(client, V4, below=20) < 20


def test_sigstop_holds_traffic_for_the_lease_at_most_and_is_final(wire):
    client, _ = wire
    with inject(client, "latency", "--to", V4, "--delay", "40ms") as fault:
        assert rtt(client, V4, count=2) >= 40
        client.start("ping", "-n", "-q", "-i", 0.05, V4)  # so that it holds some
        fault.process.send_signal(signal.SIGSTOP)
        start = time.monotonic()
        while client.run("ping", "-c", 1, "-W", 1, V4).returncode != 0:
            assert time.monotonic() - start < 4
        assert rtt(client, V4, below=20) < 20
        time.sleep(max(0.0, start + 4.5 - time.monotonic()))
        restored = fault.wake()
        assert not restored or restored["dropped"] >= 1 or "netem" in fault.armed["how"]  # which is the kernel's own: nothing stands still
    assert rtt(client, V4, below=20) < 20 and not _helpers(client)


def test_a_dead_namespace_is_not_kept(wire):
    client, server = wire
    with inject(client, "latency", "--to", V4, "--delay", "40ms") as fault:
        sh("ip", "netns", "del", client.name)
        until = time.monotonic() + 5
        while "eth0" in server.run("ip", "-br", "link").stdout:  # the other end of the cable goes with the namespace
            assert time.monotonic() < until
            time.sleep(0.05)
        code, _ = fault.finish(10)
        assert code == 3 and "is gone" in fault.process.stderr.read(), "it says so, and ends by itself"


# ---- refusals --------------------------------------------------------------------------------------------------------


def _refused(host, *argv):
    return sh(BLACKSTART, "inject", "latency", *argv, "--for", "5s", "--netns", host.name, check=False, timeout=20)


@pytest.mark.parametrize(
    "argv, code, says",
    [
        (("--delay", "10ms"), 2, "any"),
        (("--to", "10.0.0.0/99", "--delay", "10ms"), 2, "10.0.0.0/99"),
        (("--to", V4, "--delay", "-1ms"), 2, "negative"),
        (("--to", V4), 2, "delay"),
        (("--to", "no-such-host.invalid", "--delay", "10ms"), 4, "no-such-host.invalid"),
        (("--to", V4, "--delay", "10ms", "--interface", "eth9"), 4, "eth9"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_touched(wire, argv, code, says):
    client, _ = wire
    done = _refused(client, *argv)
    assert done.returncode == code and says in done.stderr, done.stderr
    assert not _helpers(client) and rtt(client, V4, count=1, below=20) < 20
