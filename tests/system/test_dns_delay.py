"""The delay of the dns fault: chosen queries are held back, with and without an answer, and nothing else is."""

import contextlib
import json
import signal
import subprocess
import time

import pytest
from dns_clients import REAL4, REAL6, SERVERS, dig, serve, update

from inside import dns_answers
from lab import BLACKSTART, inject, sh

DELAY, MS = 0.4, "400ms"
SPARE = 0.3  # an answer that was not delayed came sooner than that


def seconds(client, server, name, qtype=1):
    """How long one query takes: no process is started for it."""
    start = time.monotonic()
    assert dns_answers(client, server, name, qtype, timeout=3) is not None
    return time.monotonic() - start


def free_again(client, server):
    """Within a few seconds, also where a guardian has to undo something first."""
    until = time.monotonic() + 6
    while dns_answers(client, server, "db.test", timeout=SPARE) is None:
        assert time.monotonic() < until, "still held"
    return True


def quick(client, server, name, qtype=1):
    """Not delayed: one of a few, on a busy machine."""
    return min(seconds(client, server, name, qtype) for _ in range(3)) < SPARE


@pytest.mark.sanitize
@pytest.mark.parametrize("side", ["client", "server"])
def test_queries_for_a_name_are_delayed_and_no_others(served, side):
    client, server = served
    with inject(client if side == "client" else server, "dns", "--name", "db.test", "--type", "A", "--delay", MS) as fault:
        for nameserver in SERVERS:
            assert seconds(client, nameserver, "db.test") >= DELAY
            assert dig(client, nameserver, "DB.test", "A", "+time=3").answers == [REAL4]
            assert quick(client, nameserver, "other.test") and quick(client, nameserver, "db.test", 28)
        told = fault.stop()
    assert told["hits"] == told["matched"] == 4 and told["dropped"] == 0, told
    assert quick(client, SERVERS[0], "db.test")


@pytest.mark.parametrize("side", ["client", "server"])
def test_an_answer_comes_after_the_delay(served, side):
    client, server = served
    with inject(client if side == "client" else server, "dns", "--name", "db.test", "--answer", "203.0.113.9,2001:db8::9", "--delay", MS) as fault:
        for nameserver in SERVERS:
            for rtype, told in (("A", "203.0.113.9"), ("AAAA", "2001:db8::9")):
                start = time.monotonic()
                assert dig(client, nameserver, "db.test", rtype, "+time=3").answers == [told]
                assert time.monotonic() - start >= DELAY
            assert quick(client, nameserver, "other.test")
        assert fault.stop()["hits"] == 4


@pytest.mark.parametrize("answer", [[], ["--answer", "nxdomain"]])
def test_on_lo(lab, answer):
    host = lab.host("host")
    serve(host, "127.0.0.53", "::1")
    with inject(host, "dns", "--name", "db.test", "--delay", MS, *answer) as fault:
        for nameserver in ("127.0.0.53", "::1"):
            start = time.monotonic()
            reply = dig(host, nameserver, "db.test", "A", "+time=3")
            assert time.monotonic() - start >= DELAY
            assert reply.status == "NXDOMAIN" if answer else reply.answers == [REAL4]
            assert quick(host, nameserver, "other.test")
        told = fault.stop()
        assert told["hits"] == 2 and told["whole"]


def test_over_tcp_the_query_is_held_and_with_an_answer_it_is_reset_then(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--delay", MS) as fault:
        for nameserver in SERVERS:
            start = time.monotonic()
            assert dig(client, nameserver, "db.test", "A", "+tcp", "+time=5").answers == [REAL4]
            assert time.monotonic() - start >= DELAY
            start = time.monotonic()
            assert dig(client, nameserver, "other.test", "AAAA", "+tcp", "+time=5").answers == [REAL6]
            assert time.monotonic() - start < 2
        assert fault.stop()["hits"] >= 2  # and what TCP has sent again meanwhile
    with inject(client, "dns", "--name", "db.test", "--answer", "servfail", "--delay", MS):
        for nameserver in SERVERS:
            start = time.monotonic()
            assert "connection reset" in dig(client, nameserver, "db.test", "A", "+tcp", "+time=5").text
            assert time.monotonic() - start >= DELAY


def test_a_share_of_the_queries_is_delayed(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--delay", "150ms", "--probability", "50%", "--seed", "7") as fault:
        slow = sum(seconds(client, SERVERS[0], "db.test") >= 0.15 for _ in range(20))
        told = fault.stop()
    assert told["matched"] == 20 and told["hits"] == slow and 3 <= slow <= 17


@pytest.fixture
def writers(lab, tmp_path):
    """Two hosts that may update one zone."""
    server, one, two = lab.host("server"), lab.host("one"), lab.host("two")
    lab.wire(one, server, 0)
    lab.wire(two, server, 1, b_if="eth1")
    (tmp_path / "zone.test.zone").write_text("@ 60 SOA ns nobody 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 10.77.0.2\n")
    (tmp_path / "knot.conf").write_text(f"""
server:
    rundir: {tmp_path}
    listen: [0.0.0.0@53, "::@53"]
database:
    storage: {tmp_path}
acl:
  - id: all
    action: update
zone:
  - domain: zone.test
    storage: {tmp_path}
    file: zone.test.zone
    acl: all
    zonefile-sync: -1
    journal-content: none
""")
    server.start("knotd", "-c", tmp_path / "knot.conf", stdout=subprocess.DEVNULL)
    for host, last in ((one, 0), (two, 1)):
        until = time.monotonic() + 20
        for address in (f"10.77.{last}.2", f"fd77:{last}::2"):
            while dig(host, address, "ns.zone.test", "A", "+norecurse").answers != ["10.77.0.2"]:
                assert time.monotonic() < until, "no knotd"
    return one, two


@pytest.mark.parametrize("transport", [[], ["-v"]], ids=["udp", "tcp"])
def test_one_writers_updates_are_delayed_and_another_ones_are_not(writers, transport):
    one, two = writers
    with inject(one, "dns", "--name", "zone.test", "--opcode", "update", "--delay", "1500ms") as fault:
        for family, (slow, fast) in enumerate((("10.77.0.2", "10.77.1.2"), ("fd77:0::2", "fd77:1::2"))):
            assert update(one, slow, f"a{family}", *transport) >= 1.5
            assert dig(two, fast, f"a{family}.zone.test", "A", "+norecurse").answers == ["192.0.2.1"]
            assert min(update(two, fast, f"b{family}{i}", *transport) for i in range(3)) < 1.2
            assert quick(one, slow, "zone.test", 6)
        assert fault.stop()["hits"] >= 2


def test_what_is_held_goes_on_at_the_end(once):
    client, _ = once
    with inject(client, "dns", "--name", "db.test", "--delay", "20s") as fault:
        asking = client.start("dig", "+tries=1", "+time=15", "+short", f"@{SERVERS[0]}", "db.test", "A")
        until = time.monotonic() + 15
        while json.loads(sh(BLACKSTART, "status", "--json").stdout)["processes"][0]["faults"][0].get("matched") != 1:
            assert time.monotonic() < until
            time.sleep(0.05)
        told = fault.stop()
        if "netem" not in fault.armed["how"]:  # which cannot be told to hurry
            assert asking.communicate(timeout=15)[0].split() == [REAL4]
    assert told["hits"] == 1 and told["whole"]


@pytest.mark.parametrize("nameserver", SERVERS)
def test_sigkill_and_sigstop_free_the_queries(once, nameserver):
    client, _ = once
    delayed = ("dns", "--name", "db.test", "--delay", MS)
    with inject(client, *delayed) as fault:
        assert seconds(client, nameserver, "db.test") >= DELAY
        fault.process.send_signal(signal.SIGSTOP)
        time.sleep(2.2)
        assert free_again(client, nameserver)
        fault.process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            fault.process.wait(5)
    with inject(client, *delayed) as fault:
        assert seconds(client, nameserver, "db.test") >= DELAY
        fault.stop(signal.SIGKILL)
        assert free_again(client, nameserver)


def test_what_cannot_be_is_refused():
    for argv, why in (
        (["--delay", "30s", "--for", "10s"], "as long as the fault itself"),
        (["--delay", "-1s", "--for", "10s"], "-1s"),
        (["--delay", "1s", "--answer", "timeout", "--for", "10s"], "no answer that could be delayed"),
        (["--for", "10s"], "nothing is told"),
        (["--delay", "1s", "--ttl", "5", "--for", "10s"], "ttl"),
    ):
        done = sh(BLACKSTART, "inject", "dns", "--name", "db.test", *argv, check=False)
        assert done.returncode == 2 and why in done.stderr, done.stderr
