"""The stale answer: what the authority once said goes on being said after it has moved on."""

import json
import signal
import subprocess
import threading
import time

import pytest
from dns_clients import REAL4, REAL6, SERVERS, dig, lookup, reach, serve

from lab import BLACKSTART, inject


def move_on(server, dnsmasq):
    """The authority has new records for db.test."""
    dnsmasq.kill()
    dnsmasq.wait()
    return server.start("dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--local=/test/", "--user=root", "--bind-interfaces", "--pid-file=",
                        *(f"--listen-address={a}" for a in SERVERS), "--host-record=db.test,198.51.100.9", "--host-record=other.test,198.51.100.9")


def until_new(client, name="other.test"):
    until = time.monotonic() + 10
    while dig(client, SERVERS[0], name, "A", "+tcp").answers != ["198.51.100.9"]:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.sanitize
@pytest.mark.parametrize("side", ["client", "server"])
def test_the_first_answer_after_arming_is_given_again(pair, side):
    client, server = pair
    dnsmasq = serve(server, *SERVERS)
    reach(client, *SERVERS)
    with inject(client if side == "client" else server, "dns", "--name", "db.test", "--answer", "stale") as fault:
        first = {rtype: dig(client, SERVERS[0], "db.test", rtype) for rtype in ("A", "AAAA", "TXT")}
        assert (first["A"].answers, first["AAAA"].answers, first["TXT"].answers) == ([REAL4], [REAL6], ['"real"'])
        dnsmasq = move_on(server, dnsmasq)
        until_new(client)
        for nameserver in SERVERS:
            for rtype, before in first.items():
                for options in ([], ["+noedns"]):
                    reply = dig(client, nameserver, "DB.test", rtype, *options)
                    assert (reply.status, reply.answers, reply.ttls) == ("NOERROR", before.answers, before.ttls), reply.text
                    assert reply.flags == before.flags and reply.question == "DB.test."
                    assert bool(reply.opt) == (not options)
            assert dig(client, nameserver, "other.test").answers == ["198.51.100.9"]
            assert lookup(client, nameserver, "db.test") == (sorted([REAL4, REAL6]), "")
            assert client.run("drill", "db.test", f"@{nameserver}").stdout.count(REAL4) == 1
            assert "connection reset" in dig(client, nameserver, "db.test", "A", "+tcp").text
        assert dig(client, SERVERS[0], "db.test", "MX").answers == []  # asked for the first time: the server's own
        counts = fault.stop()
        assert counts["hits"] < counts["matched"]
    assert dig(client, SERVERS[0], "db.test").answers == ["198.51.100.9"]


def test_on_lo(lab):
    host = lab.host("host")
    dnsmasq = serve(host, "127.0.0.53", "::1")
    with inject(host, "dns", "--name", "db.test", "--answer", "stale"):
        assert dig(host, "127.0.0.53", "db.test").answers == [REAL4]
        dnsmasq.kill()
        dnsmasq.wait()
        assert dig(host, "127.0.0.53", "db.test").answers == [REAL4]
        assert dig(host, "::1", "db.test").answers == [REAL4]
        assert dig(host, "127.0.0.53", "other.test").status == "none"


def test_a_run_gives_the_answer_of_its_baseline(lab, tmp_path):
    client, server = lab.pair(offload=False)
    dnsmasq = serve(server, *SERVERS)
    reach(client, *SERVERS)
    file = tmp_path / "stale.toml"
    file.write_text(RUN.format(netns=client.name))
    run = subprocess.Popen([BLACKSTART, "run", file, "--out", tmp_path / "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(run, "baseline:")
    asked = threading.Event()
    asking = threading.Thread(target=ask_until, args=(asked, client))
    asking.start()
    wait_for(run, "t0:")
    asked.set()
    asking.join()
    move_on(server, dnsmasq)
    until_new(client)
    wait_for(run, "armed:")
    assert dig(client, SERVERS[1], "db.test").answers == [REAL4]
    assert dig(client, SERVERS[1], "other.test").answers == ["198.51.100.9"]
    told = run.communicate(timeout=30)[0]
    assert run.returncode in (0, 3), told
    faults = json.loads((tmp_path / "run" / "verdict.json").read_text())["faults"]
    assert faults[0]["hits"] >= 1, told


def wait_for(run, word):
    for line in run.stdout:
        if word in line:
            return
    raise AssertionError(f"the run never said '{word}'")


def ask_until(done, client):
    while not done.is_set():
        assert dig(client, SERVERS[0], "db.test").answers == [REAL4]


RUN = """
[experiment]
name = "stale"
title = "an old plan is laid over a new one"
baseline = "2500ms"
duration = "8s"
[target.client]
netns = "{netns}"
[[fault]]
kind = "dns"
target = "client"
at = "3s"
for = "4s"
names = "db.test"
answer = "stale"
[[probe]]
name = "other"
kind = "dns"
from = "{netns}"
server = "10.77.0.2"
query = "other.test"
every = "100ms"
[[expect]]
probe = "other"
success = ">= 10%"
"""


def test_sigkill_and_sigstop_let_the_new_answer_through(lab):
    client, server = lab.pair(offload=False)
    dnsmasq = serve(server, *SERVERS)
    reach(client, *SERVERS)
    with inject(client, "dns", "--name", "db.test", "--answer", "stale") as fault:
        assert dig(client, SERVERS[1], "db.test").answers == [REAL4]
        move_on(server, dnsmasq)
        until_new(client)
        assert dig(client, SERVERS[1], "db.test").answers == [REAL4]
        fault.process.send_signal(signal.SIGSTOP)
        time.sleep(2.1)
        assert dig(client, SERVERS[1], "db.test").answers == ["198.51.100.9"]
        fault.stop(signal.SIGKILL)
