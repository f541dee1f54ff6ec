"""Kernels without tcx: clsact filters, which outlive their process, and so are journalled, leased and undone."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from inside import dns_answers
from lab import BLACKSTART, features, inject, sh

V4 = "10.77.0.2"
DNS = ("dns", "--name", "db.test", "--answer", "empty")
LEASE = 2.0


@pytest.fixture
def client(lab):
    if features()["tcx"]:
        pytest.skip("this kernel has tcx")
    client, server = lab.pair()
    server.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=root", "--pid-file=",
                 "--address=/db.test/10.9.9.9")
    until = time.monotonic() + 15
    while dns_answers(client, V4, "db.test", timeout=0.3) != 1:
        assert time.monotonic() < until, "no dnsmasq"
    return client


def tc(host, *argv):
    return host.run("tc", *argv, check=True).stdout


def has_qdisc(host):
    return "clsact" in tc(host, "qdisc", "show", "dev", "eth0")


def journal():
    return list(Path("/run/blackstart/journal").glob("*.json"))


def guardian_of(pid):
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")[1:3] == [b"guardian", str(pid).encode()]:
                return int(entry)
        except (OSError, IndexError):
            continue
    raise AssertionError("no guardian")


def seconds_until(holds, bound):
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < bound
        time.sleep(0.01)
    return time.monotonic() - start


def test_a_fault_goes_ahead_of_other_filters_and_leaves_them(client):
    tc(client, "qdisc", "add", "dev", "eth0", "clsact")
    tc(client, "filter", "add", "dev", "eth0", "egress", "protocol", "ip", "pref", "5", "bpf", "da", "bytecode", "1,6 0 0 2,")  # drops all IPv4
    assert dns_answers(client, V4, "db.test", timeout=0.5) is None
    with inject(client, *DNS) as fault:
        assert fault.armed["how"] == "clsact" and journal()
        assert dns_answers(client, V4, "db.test") == 0, "theirs would have dropped the query"
        assert fault.stop()["whole"]
    assert has_qdisc(client) and "pref 5" in tc(client, "filter", "show", "dev", "eth0", "egress") and not journal()
    assert "pref 4" not in tc(client, "filter", "show", "dev", "eth0", "egress")
    assert "clsact" not in tc(client, "qdisc", "show", "dev", "lo")


def test_what_a_killed_process_leaves_is_undone_by_its_guardian_at_once(client):
    with inject(client, *DNS) as fault:
        assert has_qdisc(client) and dns_answers(client, V4, "db.test") == 0
        fault.stop(signal.SIGKILL)
        seconds_until(lambda: not journal() and not has_qdisc(client), 10)  # nobody else would ever
        assert dns_answers(client, V4, "db.test") == 1


def test_with_its_guardian_dead_as_well_it_is_inert_named_and_restored(client):
    with inject(client, *DNS) as fault:
        os.kill(guardian_of(fault.process.pid), signal.SIGKILL)
        fault.stop(signal.SIGKILL)
        inert = seconds_until(lambda: dns_answers(client, V4, "db.test") == 1, LEASE + 2)
        print(f"inert after {inert:.2f} s")
    assert has_qdisc(client) and journal()
    left = json.loads(sh(BLACKSTART, "doctor", "--json", check=False).stdout)["left"]
    assert any("tc filter" in what for what in left), left
    restored = sh(BLACKSTART, "restore", check=False)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert not has_qdisc(client) and not journal()
    assert json.loads(sh(BLACKSTART, "doctor", "--json", check=False).stdout)["left"] == []


def test_a_stopped_process_is_ended_and_undone(client):
    with inject(client, *DNS) as fault:
        fault.process.send_signal(signal.SIGSTOP)
        assert fault.process.wait(LEASE + 3) == -signal.SIGKILL
        seconds_until(lambda: not journal() and not has_qdisc(client), 2.0)


def test_two_processes_on_one_interface_come_off_in_either_order(client):
    with inject(client, *DNS) as one, inject(client, "latency", "--to", V4, "--delay", "1ms") as two:
        assert dns_answers(client, V4, "db.test") == 0
        one.stop()
        assert has_qdisc(client) and dns_answers(client, V4, "db.test") == 1
        two.stop()
    assert not has_qdisc(client) and not journal()


def test_an_ingress_qdisc_leaves_no_room_for_what_leaves_and_that_is_said(client):
    tc(client, "qdisc", "add", "dev", "eth0", "ingress")
    done = sh(BLACKSTART, "inject", *DNS, "--for", "2s", "--netns", client.name, "--interface", "eth0", check=False)
    assert done.returncode == 4 and "ingress" in done.stderr and "fix:" in done.stderr, done.stderr
    assert "ingress" in tc(client, "qdisc", "show", "dev", "eth0") and not journal()
