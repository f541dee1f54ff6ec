"""NOTIFY and zone transfers between two real servers: a secondary is kept from following its primary, and nothing else is."""

import subprocess
import time

import pytest
from dns_clients import dig, update

from lab import inject

PRIMARY, SECONDARY = ("10.77.0.1", "fd77:0::1"), ("10.77.0.2", "fd77:0::2")
ZONE = "@ 60 SOA ns admin 1 3600 1 86400 60\n@ 60 NS ns\nns 60 A 10.77.0.1\n"
KNOT = """
server:
    rundir: {dir}
    listen: [0.0.0.0@53, "::@53"]
database:
    storage: {dir}
remote:
  - id: peer
    address: "{peer}"
acl:
  - id: all
    action: [update, transfer, notify]
zone:
  - domain: zone.test
    storage: {dir}
    file: zone
    acl: all
    zonefile-sync: -1
    {role}: peer
"""


@pytest.fixture(params=[0, 1], ids=["ipv4", "ipv6"])
def following(lab, tmp_path, request):
    """(primary, secondary): they speak with each other over one family."""
    hosts = lab.pair()
    for host, peer, role in zip(hosts, (SECONDARY, PRIMARY), ("notify", "master")):
        folder = tmp_path / role
        folder.mkdir()
        if role == "notify":
            (folder / "zone").write_text(ZONE)
        (folder / "knot.conf").write_text(KNOT.format(dir=folder, peer=peer[request.param], role=role))
        host.start("knotd", "-c", folder / "knot.conf", stdout=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not follows(hosts, "ns", "10.77.0.1"):
        assert time.monotonic() < until, "the secondary has no zone"
    return hosts


def follows(hosts, label, address="192.0.2.1", server=SECONDARY[0]):
    return dig(hosts[0], server, f"{label}.zone.test", "A", "+norecurse").answers == [address]


def add(hosts, label):
    """A new record at the primary, which says so to its secondary."""
    update(hosts[0], PRIMARY[0], label)
    assert follows(hosts, label, server=PRIMARY[0])


def seconds_to_follow(hosts, label, longest=20):
    """How long the secondary takes to have the record."""
    start = time.monotonic()
    while not follows(hosts, label):
        assert time.monotonic() < start + longest, "the secondary does not follow"
        time.sleep(0.05)
    return time.monotonic() - start


def still_serves(hosts):
    """Queries, also for what a transfer begins with, are answered over UDP and TCP."""
    for server in (PRIMARY[0], SECONDARY[1]):
        for options in (["+notcp"], ["+tcp"]):
            assert len(dig(hosts[1], server, "zone.test", "SOA", "+norecurse", *options).answers) == 1


@pytest.mark.parametrize(("side", "answer"), [("primary", "timeout"), ("secondary", "refused")])
def test_a_secondary_is_not_told(following, side, answer):
    add(following, "before")
    seconds_to_follow(following, "before")
    target = following[0] if side == "primary" else following[1]
    with inject(target, "dns", "--name", "zone.test", "--opcode", "notify", "--answer", answer) as fault:
        add(following, "during")
        time.sleep(1.5)
        assert not follows(following, "during")
        still_serves(following)
        assert fault.stop()["hits"] >= 1
    add(following, "after")
    seconds_to_follow(following, "after")
    assert follows(following, "during")


def test_a_secondary_is_told_later(following):
    with inject(following[0], "dns", "--name", "zone.test", "--opcode", "notify", "--delay", "1500ms") as fault:
        add(following, "late")
        assert seconds_to_follow(following, "late") > 1
        assert fault.stop()["hits"] >= 1


@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_a_secondary_is_told_and_cannot_transfer(following, side):
    target = following[0] if side == "primary" else following[1]
    with inject(target, "dns", "--name", "zone.test", "--type", "AXFR", "--type", "IXFR", "--answer", "refused") as fault:
        add(following, "during")
        asked = following[1].run("dig", "+tries=1", "+time=3", f"@{PRIMARY[1]}", "zone.test", "AXFR")
        assert "reset" in asked.stdout and "SOA" not in asked.stdout, asked.stdout
        time.sleep(1.5)
        assert not follows(following, "during")
        still_serves(following)
        assert fault.stop()["hits"] >= 2
    assert "192.0.2.1" in following[1].run("dig", "+tries=1", "+time=3", f"@{PRIMARY[1]}", "zone.test", "AXFR").stdout
    seconds_to_follow(following, "during")  # it tries again by itself
