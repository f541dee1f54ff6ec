"""Faults on a WireGuard interface: packets without an Ethernet header, on a device that has its own queue and no carrier."""

import re

import pytest

from inside import dns_answers
from lab import inject, sh
from system.dns_clients import serve

V4, V6 = "10.79.0.2", "fd79::2"


@pytest.fixture
def tunnel(lab, tmp_path):
    client, server = lab.pair()
    keys = [sh("wg", "genkey").stdout.strip() for _ in "ab"]
    for host, last, key in ((client, 1, keys[0]), (server, 2, keys[1])):
        if host.run("ip", "link", "add", "wg0", "type", "wireguard").returncode != 0:
            pytest.skip("this kernel has no wireguard")
        far = 3 - last
        peer = sh("wg", "pubkey", input=keys[far - 1]).stdout.strip()
        (tmp_path / "key").write_text(key)
        host.run("wg", "set", "wg0", "listen-port", 51820, "private-key", tmp_path / "key", "peer", peer,
                 "endpoint", f"10.77.0.{far}:51820", "allowed-ips", "10.79.0.0/24,fd79::/64", check=True)
        host.run("ip", "addr", "add", f"10.79.0.{last}/24", "dev", "wg0", check=True)
        host.run("ip", "addr", "add", f"fd79::{last}/64", "dev", "wg0", check=True)
        host.run("ip", "link", "set", "wg0", "up", check=True)
    for address in (V4, V6):
        assert client.run("ping", "-n", "-c", 1, "-w", 20, address).returncode == 0
    return client, server


def rtts(host, address):
    out = host.run("ping", "-n", "-c", 5, "-i", 0.05, "-W", 3, address).stdout
    return [float(t) for t in re.findall(r"time=([0-9.]+) ms", out)]


@pytest.mark.parametrize("side, way", [("client", "egress"), ("server", "ingress")])
def test_latency(tunnel, side, way):
    client, server = tunnel
    there = client if side == "client" else server
    far = V4 if side == "client" else "10.79.0.1"
    with inject(there, "latency", "--to", far, "--interface", "wg0", "--direction", way, "--delay", "60ms") as fault:
        assert len(rtts(client, V4)) == 5 and min(rtts(client, V4)) >= 60 and min(rtts(client, V6)) < 60
        assert fault.stop()["hits"] == 10
    assert min(rtts(client, V4)) < 60


def test_an_answer_is_made_up(tunnel):
    client, server = tunnel
    serve(server, V4, V6)
    with inject(client, "dns", "--interface", "wg0", "--name", "db.test", "--answer", "empty") as fault:
        for address in (V4, V6):
            assert dns_answers(client, address, "db.test", timeout=5) == 0
            assert dns_answers(client, address, "other.test", timeout=5) == 1
        assert fault.stop()["hits"] == 2


def test_what_is_lost_is_lost(tunnel):
    client, _ = tunnel
    with inject(client, "loss", "--to", V4, "--interface", "wg0", "--share", "100%") as fault:
        assert rtts(client, V4) == [] and len(rtts(client, V6)) == 5
        assert fault.stop()["hits"] == 5
    assert len(rtts(client, V4)) == 5
