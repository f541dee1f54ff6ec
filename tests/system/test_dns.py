"""The dns fault against a real server and real clients: what is told, and what is left alone."""

import json
import os
import shutil
import signal
import time

import pytest
from dns_clients import C_ARES, MUSL_SOURCE, REAL4, REAL6, SERVERS, dig, go_lookup, lookup, reach, serve

from lab import inject, sh

RCODES = {"empty": "NOERROR", "nxdomain": "NXDOMAIN", "servfail": "SERVFAIL", "refused": "REFUSED", "formerr": "FORMERR", "notimp": "NOTIMP"}


def untouched(client, nameserver):
    """Everything next to the fault: other names, TCP, other types of other names."""
    for name in ("other.test", "svc.test"):
        assert dig(client, nameserver, name, "A").answers == [REAL4]
    assert dig(client, nameserver, "other.test", "A", "+tcp").answers == [REAL4]
    reply = dig(client, nameserver, "other.test", "TXT")
    assert reply.answers == ['"real"'] and "aa" in reply.flags


@pytest.mark.sanitize
@pytest.mark.parametrize("side", ["client", "server"])
def test_each_answer_is_told_in_both_families_and_on_either_side(served, side):
    client, server = served
    target = client if side == "client" else server
    for answer, status in RCODES.items():
        with inject(target, "dns", "--name", "db.test", "--name", "*.svc.test", "--answer", answer) as fault:
            asked = 0
            for nameserver in SERVERS:
                for name, rtype, *options in (("db.test", "A"), ("a.svc.test", "AAAA", "+noedns"), ("A.b.SVC.test", "TXT", "+dnssec")):
                    reply = dig(client, nameserver, name, rtype, *options)
                    assert (reply.status, reply.answers) == (status, []), reply.text
                    assert "qr" in reply.flags and "ra" in reply.flags and "aa" not in reply.flags
                    assert reply.question == name + "."  # its case kept
                    assert bool(reply.opt) == ("+noedns" not in options) and ("do" in reply.opt) == ("+dnssec" in options)
                    asked += 1
            untouched(client, SERVERS[asked % 2])
            told = fault.stop()
        assert (told["hits"], told["matched"]) == (asked, asked)
        assert dig(client, SERVERS[0], "db.test", "A").answers == [REAL4]


@pytest.mark.parametrize("side", ["client", "server"])
def test_addresses_are_told_with_their_ttl(served, side):
    client, server = served
    with inject(client if side == "client" else server, "dns", "--name", "db.test", "--answer", "203.0.113.1,2001:db8::1,203.0.113.2", "--ttl", "7"):
        for nameserver in SERVERS:
            for options in ([], ["+noedns"]):
                four = dig(client, nameserver, "DB.test", "A", *options)
                six = dig(client, nameserver, "db.TEST", "AAAA", *options)
                assert (four.answers, four.ttls) == (["203.0.113.1", "203.0.113.2"], [7, 7])
                assert (six.answers, six.ttls) == (["2001:db8::1"], [7])
                assert dig(client, nameserver, "db.test", "TXT", *options).answers == []
            drilled = client.run("drill", "db.test", f"@{nameserver}", "A").stdout
            assert "203.0.113.1" in drilled and "rcode: NOERROR" in drilled
            untouched(client, nameserver)


@pytest.mark.parametrize("side", ["client", "server"])
def test_timeout_swallows_the_query(once, side):
    client, server = once
    with inject(client if side == "client" else server, "dns", "--name", "db.test", "--answer", "timeout") as fault:
        for nameserver in SERVERS:
            started = time.monotonic()
            assert dig(client, nameserver, "db.test", "A").status == "none"
            assert time.monotonic() - started >= 0.9
            untouched(client, nameserver)
        assert fault.stop()["hits"] == 2


def test_only_the_type_asked_for(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--type", "AAAA", "--answer", "nxdomain"):
        for nameserver in SERVERS:
            assert dig(client, nameserver, "db.test", "AAAA").status == "NXDOMAIN"
            assert dig(client, nameserver, "db.test", "A").answers == [REAL4]


def test_only_the_server_and_the_port_asked_for(once):
    client, server = once
    serve(server, *SERVERS, port=5353)
    with inject(client, "dns", "--name", "db.test", "--server", "10.77.0.0/24", "--answer", "nxdomain"):
        assert dig(client, SERVERS[0], "db.test").status == "NXDOMAIN"
        assert dig(client, SERVERS[1], "db.test").answers == [REAL4]
        assert dig(client, SERVERS[0], "db.test", "A", "-p5353").answers == [REAL4]
    with inject(client, "dns", "--name", "db.test", "--port", "5353", "--answer", "nxdomain"):
        assert dig(client, SERVERS[1], "db.test", "A", "-p5353").status == "NXDOMAIN"
        assert dig(client, SERVERS[1], "db.test").answers == [REAL4]


# FACTS §4: what resolvers make of each answer.
@pytest.mark.parametrize(
    "answer, glibc, musl",
    [
        ("empty", "EAI_NODATA", "EAI_NONAME"),
        ("nxdomain", "EAI_NONAME", "EAI_NONAME"),
        ("servfail", "EAI_AGAIN", "EAI_AGAIN"),
        ("refused", "EAI_AGAIN", "EAI_AGAIN"),
        ("formerr", "EAI_NONAME", "EAI_AGAIN"),
        ("notimp", "EAI_AGAIN", "EAI_AGAIN"),
        ("timeout", "EAI_AGAIN", "EAI_AGAIN"),
        ("203.0.113.1,2001:db8::1", "", ""),
    ],
)
def test_resolvers_of_glibc_and_musl(once, tmp_path, answer, glibc, musl):
    client, _ = once
    if not shutil.which("musl-gcc"):
        pytest.fail("musl-gcc is missing: apt-get install musl-tools")
    (tmp_path / "lookup.c").write_text(MUSL_SOURCE)
    sh("musl-gcc", "-static", "-Wno-error", "-o", tmp_path / "lookup", tmp_path / "lookup.c")
    told = ["2001:db8::1", "203.0.113.1"] if not glibc else []
    with inject(client, "dns", "--name", "db.test", "--answer", answer):
        for nameserver in SERVERS:
            assert lookup(client, nameserver, "db.test") == (told, glibc)
            assert lookup(client, nameserver, "db.test", argv=[tmp_path / "lookup"]) == (told, musl)
            assert lookup(client, nameserver, "other.test") == (sorted([REAL4, REAL6]), "")


# c-ares (as in curl, Node.js, Envoy), which asks its next server after three of these and says so at the end; and Go's own resolver, in hey.
@pytest.mark.parametrize(
    "answer, cares, go",
    [
        ("empty", "ARES_ENODATA", "no such host"),
        ("nxdomain", "ARES_ENOTFOUND", "no such host"),
        ("servfail", "ARES_ECONNREFUSED", "server misbehaving"),
        ("refused", "ARES_ECONNREFUSED", "server misbehaving"),
        ("formerr", "ARES_EFORMERR", "server misbehaving"),
        ("notimp", "ARES_ECONNREFUSED", "server misbehaving"),
        ("timeout", "ARES_ETIMEOUT", "timeout"),
        ("203.0.113.1,2001:db8::1", "", "dial tcp"),
    ],
)
def test_resolvers_of_c_ares_and_go(once, answer, cares, go):
    client, _ = once
    told = ["2001:db8::1", "203.0.113.1"] if not cares else []
    with inject(client, "dns", "--name", "db.test", "--answer", answer):
        for nameserver in SERVERS:
            assert lookup(client, nameserver, "db.test", argv=["/usr/bin/python3", "-c", C_ARES]) == (told, cares)
            assert lookup(client, nameserver, "other.test", argv=["/usr/bin/python3", "-c", C_ARES]) == (sorted([REAL4, REAL6]), "")
            said = go_lookup(client, nameserver, "db.test")
            assert go in said and (not told or any(address in said for address in told)), said
            said = go_lookup(client, nameserver, "other.test")
            assert REAL4 in said or REAL6 in said, said


def test_getent_sees_one_family_gone(once):
    client, _ = once
    getent = ["sh", "-c", 'echo ok $(getent ahosts "$0" | cut -d" " -f1 | sort -u)']
    with inject(client, "dns", "--name", "db.test", "--type", "A", "--answer", "empty"):
        assert lookup(client, SERVERS[0], "db.test", argv=getent) == ([REAL6], "")
    assert lookup(client, SERVERS[1], "db.test", argv=getent) == (sorted([REAL4, REAL6]), "")


@pytest.mark.parametrize("offload", [True, False], ids=["offload", "no-offload"])
def test_stub_resolvers_on_lo(lab, offload):
    host = lab.host("host")
    if not offload:
        host.run("ethtool", "-K", "lo", "tx", "off", check=True)
    sh("ip", "-n", host.name, "addr", "add", "10.66.0.1/32", "dev", "lo")
    sh("ip", "-n", host.name, "addr", "add", "fd66::1/128", "dev", "lo", "nodad")
    stubs = ["127.0.0.53", "::1", "10.66.0.1", "fd66::1"]
    serve(host, *stubs)
    for answer, status in {**RCODES, "203.0.113.9": "NOERROR"}.items():
        with inject(host, "dns", "--name", "db.test", "--answer", answer) as fault:
            for stub in stubs:
                reply = dig(host, stub, "db.test", "A")
                assert (reply.status, reply.answers) == (status, ["203.0.113.9"] if answer[0] == "2" else []), reply.text
            untouched(host, stubs[0])
            untouched(host, stubs[1])
            assert fault.stop()["hits"] == len(stubs)
    with inject(host, "dns", "--name", "db.test", "--answer", "timeout"):
        assert dig(host, "127.0.0.53", "db.test").status == "none"
        assert dig(host, "::1", "other.test").answers == [REAL4]
        assert lookup(host, "127.0.0.53", "other.test") == (sorted([REAL4, REAL6]), "")


@pytest.mark.parametrize("offload", [True, False], ids=["offload", "no-offload"])
def test_a_router_answers_for_the_server_behind_it(lab, offload):
    client, router, server = lab.host("client"), lab.host("router"), lab.host("server")
    lab.wire(client, router, net=1, offload=offload)
    lab.wire(router, server, net=2, offload=offload, a_if="eth1")
    for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
        router.sysctl(key, 1)
    for host, via in ((client, "77:1::2"), (server, "77:2::1")):
        sh("ip", "-n", host.name, "route", "add", "default", "via", "10." + via.replace(":", ".").replace("..", "."))
        sh("ip", "-n", host.name, "-6", "route", "add", "default", "via", "fd" + via)
    servers = ("10.77.2.2", "fd77:2::2")
    serve(server, *servers)
    reach(client, *servers)
    for interface in ("eth0", "eth1"):  # where it comes in, and where it would leave
        with inject(router, "dns", "--name", "db.test", "--answer", "nxdomain", "--interface", interface) as fault:
            for nameserver in servers:
                assert dig(client, nameserver, "db.test").status == "NXDOMAIN"
                untouched(client, nameserver)
            assert fault.stop()["hits"] == 2


def test_only_the_cgroup_asked_for(once):
    client, server = once
    root = next(line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup2 " in line)
    group = os.path.join(root, f"blackstart-test-{os.getpid()}")
    os.makedirs(os.path.join(group, "leaf"))
    # Joined outside: `ip netns exec` mounts a /sys of its own.
    inside = ["sh", "-c", f'echo $$ > {group}/leaf/cgroup.procs; exec "$@"', "sh"]
    try:
        with inject(client, "dns", "--name", "db.test", "--answer", "nxdomain", "--cgroup", group) as fault:
            for nameserver in SERVERS:
                told = sh(*inside, *client.argv("dig", "+tries=1", "+time=1", f"@{nameserver}", "db.test"))
                assert "NXDOMAIN" in told.stdout, told.stdout
                assert dig(client, nameserver, "db.test").answers == [REAL4]
            assert fault.stop()["matched"] == 2
        with inject(server, "dns", "--name", "db.test", "--answer", "nxdomain", "--cgroup", group):  # at ingress there is no cgroup
            assert dig(client, SERVERS[0], "db.test").answers == [REAL4]
    finally:
        os.rmdir(os.path.join(group, "leaf"))
        os.rmdir(group)


def test_a_device_without_ethernet(lab):
    host = lab.host("host")
    tunnel = host.start("/usr/bin/python3", os.path.join(os.path.dirname(__file__), "tun_peer.py"), stdin=-1)
    assert tunnel.stdout.readline() == "ready\n"
    with inject(host, "dns", "--name", "db.test", "--answer", "servfail", "--interface", "tun0") as fault:
        tunnel.stdin.write("go\n")
        tunnel.stdin.flush()
        seen = json.loads(tunnel.stdout.readline())
        assert seen == {"out4": 2, "out6": 2, "in4": 2, "in6": 2, "other": "passed"}
        assert fault.stop()["hits"] == 4


def test_a_cycle_by_time_comes_and_goes(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--answer", "nxdomain", "--cycle", "on=1s,off=1s"):
        statuses, until = [], time.monotonic() + 4.5
        while time.monotonic() < until:
            statuses.append(dig(client, SERVERS[0], "db.test").status)
        changes = [b for a, b in zip(statuses, statuses[1:]) if a != b]
        assert changes[:3] == ["NOERROR", "NXDOMAIN", "NOERROR"]


def test_a_share_of_the_queries(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--answer", "servfail", "--probability", "50%", "--seed", "1") as fault:
        told = client.run("dig", "+tries=1", "+time=1", f"@{SERVERS[0]}", "+short", *sum((["db.test", "A"] for _ in range(200)), [])).stdout
        answered = told.split().count(REAL4)
        counts = fault.stop()
        assert counts["matched"] == 200 and 70 <= counts["hits"] <= 130
        assert answered == 200 - counts["hits"]


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_any_seed_is_told_and_hits_the_same_queries_again(once, seed):
    client, _ = once
    def hits():
        with inject(client, "dns", "--name", "db.test", "--answer", "empty", "--probability", "50%", "--seed", seed) as fault:
            assert fault.armed["seed"] == seed
            return [dig(client, SERVERS[0], "db.test").answers == [] for _ in range(12)]
    assert hits() == hits()


def test_sigkill_takes_the_fault_away(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--answer", "nxdomain") as fault:
        assert dig(client, SERVERS[1], "db.test").status == "NXDOMAIN"
        fault.stop(signal.SIGKILL)
        assert dig(client, SERVERS[1], "db.test").answers == [REAL4]


def test_sigstop_makes_it_inert_for_good_after_the_lease(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--answer", "nxdomain") as fault:
        assert dig(client, SERVERS[0], "db.test").status == "NXDOMAIN"
        fault.process.send_signal(signal.SIGSTOP)
        time.sleep(2.1)
        assert dig(client, SERVERS[0], "db.test").answers == [REAL4]
        fault.wake()
        assert dig(client, SERVERS[0], "db.test").answers == [REAL4]


def test_an_end_of_its_own(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--answer", "nxdomain", "--for", "1s") as fault:
        assert dig(client, SERVERS[0], "db.test").status == "NXDOMAIN"
        code, restored = fault.finish(10)
        assert (code, restored["hits"], restored["lapsed"]) == (0, 1, False)
        assert dig(client, SERVERS[0], "db.test").answers == [REAL4]


def test_bursts_from_many_sockets_all_get_their_own_answer(served, tmp_path):
    client, _ = served
    (tmp_path / "queries").write_text("a.svc.test A\nB.svc.test AAAA\nc.svc.test TXT\n")
    with inject(client, "dns", "--name", "*.svc.test", "--answer", "203.0.113.5") as fault:
        done = client.run("dnsperf", "-s", SERVERS[1], "-d", tmp_path / "queries", "-l", "1", "-c", "20")
        assert "Queries lost:         0 " in done.stdout and "NOERROR" in done.stdout, done.stdout
        assert fault.stop()["hits"] > 1000
