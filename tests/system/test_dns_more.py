"""The dns fault beyond UDP queries and fixed answers: TCP, truncation, turns, negative caching, updates and transfers."""

import signal
import subprocess
import time

import pytest
from dns_clients import REAL4, REAL6, SERVERS, dig, lookup, reach, serve

from lab import BLACKSTART, inject


@pytest.mark.sanitize
@pytest.mark.parametrize("side", ["client", "server"])
def test_a_query_over_tcp_is_reset_at_once_and_no_other(served, side):
    client, server = served
    with inject(client if side == "client" else server, "dns", "--name", "db.test", "--answer", "nxdomain") as fault:
        for nameserver in SERVERS:
            started = time.monotonic()
            reply = dig(client, nameserver, "db.test", "A", "+tcp", "+time=20")
            assert reply.status == "none" and "connection reset" in reply.text, reply.text
            assert time.monotonic() - started < 15
            for rtype, real in (("A", REAL4), ("AAAA", REAL6)):
                assert dig(client, nameserver, "other.test", rtype, "+tcp").answers == [real]
        assert fault.stop()["hits"] == len(SERVERS)
        assert dig(client, SERVERS[0], "db.test", "A", "+tcp").answers == [REAL4]


def test_a_resolver_that_asks_for_both_families_in_one_segment_does_not_dodge_a_fault_on_one(once):
    client, _ = once
    options = "use-vc timeout:1 attempts:1"
    with inject(client, "dns", "--name", "db.test", "--type", "AAAA", "--answer", "servfail") as fault:
        for nameserver in SERVERS:
            assert lookup(client, nameserver, "db.test", options=options) == ([], "EAI_AGAIN")
            assert lookup(client, nameserver, "other.test", options=options) == (sorted([REAL4, REAL6]), "")
        assert fault.stop()["hits"] >= len(SERVERS)


def test_timeout_swallows_tcp_as_well(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--answer", "timeout"):
        reply = dig(client, SERVERS[0], "db.test", "A", "+tcp")
        assert reply.status == "none" and "timed out" in reply.text, reply.text
        assert dig(client, SERVERS[1], "other.test", "A", "+tcp").answers == [REAL4]


def test_tcp_on_lo(lab):
    host = lab.host("host")
    serve(host, "127.0.0.53", "::1")
    with inject(host, "dns", "--name", "db.test", "--answer", "empty") as fault:
        for nameserver in ("127.0.0.53", "::1"):
            assert "connection reset" in dig(host, nameserver, "db.test", "A", "+tcp").text
            assert dig(host, nameserver, "other.test", "A", "+tcp").answers == [REAL4]
        assert fault.stop()["hits"] == 2


def test_truncate_sends_clients_to_tcp(served):
    client, _ = served
    with inject(client, "dns", "--name", "db.test", "--answer", "truncate"):
        for nameserver in SERVERS:
            reply = dig(client, nameserver, "db.test", "A", "+ignore")
            assert "tc" in reply.flags and reply.answers == []
            assert dig(client, nameserver, "db.test", "A").answers == [REAL4]  # dig asked again
            assert lookup(client, nameserver, "db.test") == (sorted([REAL4, REAL6]), "")
            assert "truncated" in client.run("drill", "db.test", f"@{nameserver}").stdout  # and drill says so


def test_turns(once, tmp_path):
    client, _ = once
    file = tmp_path / "turns.toml"
    file.write_text(TURNS.format(netns=client.name))
    run = subprocess.Popen([BLACKSTART, "run", file, "--out", tmp_path / "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen, over = [], False
    while not over:
        over = run.poll() is not None  # and once more
        reply = dig(client, SERVERS[0], "db.test")
        seen.append((reply.status, *reply.answers))
    told = run.communicate(timeout=20)[0]
    assert run.returncode == 0, told
    changes = [b for a, b in zip([None, *seen], seen) if a != b]
    assert changes == [("NOERROR", REAL4), *[("NOERROR", "203.0.113.1"), ("NOERROR",)] * 2, ("NOERROR", REAL4)]


TURNS = """
[experiment]
name = "turns"
title = "two plans race"
baseline = "500ms"
duration = "4s"
[target.client]
netns = "{netns}"
[[fault]]
kind = "dns"
target = "client"
for = "4s"
at = "0s"
names = "db.test"
turns = [["203.0.113.1"], "empty"]
turn = "1s"
[[probe]]
name = "other"
kind = "dns"
from = "{netns}"
server = "10.77.0.2"
query = "other.test"
every = "20ms"
[[expect]]
probe = "other"
success = ">= 90%"
"""


def test_a_resolver_keeps_a_negative_answer_as_long_as_it_is_told(lab, tmp_path):
    client, server = lab.pair()
    serve(server, SERVERS[0])
    reach(client, SERVERS[0])
    config = tmp_path / "unbound.conf"
    config.write_text("server:\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n pidfile: \"\"\n use-syslog: no\n module-config: iterator\n"
                      f" directory: {tmp_path}\n interface: 127.0.0.1\n local-zone: test nodefault\nforward-zone:\n name: .\n forward-addr: {SERVERS[0]}\n")
    client.start("unbound", "-d", "-c", config)
    reach(client, "127.0.0.1")
    with inject(client, "dns", "--interface", "eth0", "--name", "db.test", "--answer", "nxdomain", "--negative-ttl", "10s"):
        assert dig(client, "127.0.0.1", "db.test").status == "NXDOMAIN"
        told = time.monotonic()
    while dig(client, "127.0.0.1", "db.test").answers != [REAL4]:  # kept, though the fault is over
        assert time.monotonic() < told + 20
        time.sleep(0.2)
    assert time.monotonic() > told + 8  # unbound keeps one without an SOA for 5 s


def test_an_soa_is_shown_where_it_belongs(served):
    client, _ = served
    with inject(client, "dns", "--name", "db.test", "--answer", "empty", "--negative-ttl", "5m"):
        for nameserver in SERVERS:
            for options in ([], ["+noedns"]):
                text = dig(client, nameserver, "db.test", "A", *options).text
                assert "AUTHORITY: 1" in text and "test.\t\t\t300\tIN\tSOA\t. . 1 3600 600 86400 300" in text, text
            drilled = client.run("drill", "db.test", f"@{nameserver}").stdout
            assert "SOA" in drilled and "AUTHORITY: 1" in drilled


def test_one_writer_is_denied_by_its_opcode_and_readers_are_not(once):
    client, _ = once
    update = ["/usr/bin/python3", "-c", UPDATE]
    with inject(client, "dns", "--name", "zone.test", "--name", "db.test", "--opcode", "update", "--answer", "refused") as fault:
        for nameserver in SERVERS:
            assert client.run(*update, nameserver, "zone.test").stdout.split() == ["5", "5"], "opcode and rcode"
            assert dig(client, nameserver, "db.test").answers == [REAL4]
        assert fault.stop()["hits"] == len(SERVERS)


UPDATE = """
import socket, struct, sys
name = b"".join(bytes([len(l)]) + l.encode() for l in sys.argv[2].split(".")) + b"\\0"
record = b"\\xc0\\x0c" + struct.pack("!HHIH4s", 1, 1, 60, 4, bytes(4))
message = struct.pack("!6H", 4711, 0x2800, 1, 0, 1, 0) + name + struct.pack("!2H", 6, 1) + record
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.connect((sys.argv[1], 53))
s.send(message)
reply = s.recv(512)
assert reply[:2] == message[:2] and reply[12:] == message[12:12 + len(name) + 4]
print(reply[2] >> 3 & 15, reply[3] & 15)
"""


def test_sigkill_and_sigstop_free_tcp_as_well(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--answer", "nxdomain") as fault:
        assert dig(client, SERVERS[1], "db.test", "A", "+tcp").status == "none"
        fault.process.send_signal(signal.SIGSTOP)
        time.sleep(2.1)
        assert dig(client, SERVERS[1], "db.test", "A", "+tcp").answers == [REAL4]
        fault.stop(signal.SIGKILL)
    with inject(client, "dns", "--name", "db.test", "--answer", "nxdomain") as fault:
        fault.stop(signal.SIGKILL)
        assert dig(client, SERVERS[0], "db.test", "A", "+tcp").answers == [REAL4]
