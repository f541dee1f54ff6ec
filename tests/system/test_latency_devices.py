"""Latency on loopback, and on devices without an Ethernet header."""

import contextlib
import fcntl
import os
import select
import signal
import struct
import threading
import time

import pytest

from inside import inside
from lab import inject
from network import V4
from round_trips import echo_ms, echo_server, rtt


def test_ipv6_on_loopback(wire):
    client, _ = wire
    echo_server(client, "::1", 8080)
    with inject(client, "latency", "--to", "::1", "--delay", "30ms"):
        assert 60 <= rtt(client, "::1", below=80) < 80
        assert 60 <= echo_ms(client, "::1", 8080, below=90) < 90


def _loopback_sysctls(host):
    return host.run("sysctl", "-n", "net.ipv4.conf.lo.route_localnet", "net.ipv4.conf.lo.accept_local").stdout.split()


def _until_loopback_is_as_before(host, seconds):
    until = time.monotonic() + seconds
    while _loopback_sysctls(host) != ["0", "0"]:
        assert time.monotonic() < until, "the sysctls of lo are not put back"
        time.sleep(0.05)


@pytest.mark.parametrize("direction", ["egress", "ingress", "both"])
def test_ipv4_on_loopback_127_and_an_address_of_our_own(wire, direction):
    client, _ = wire
    echo_server(client, "0.0.0.0", 8080)
    with inject(client, "latency", "--to", "127.0.0.0/8", "--to", "10.77.0.1", "--direction", direction, "--delay", "30ms") as fault:
        for address in ("127.0.0.1", "127.0.0.53", "10.77.0.1"):
            assert 60 <= rtt(client, address, below=85) < 85  # a packet is delayed once, though it passes lo on its way out and in
            assert 60 <= echo_ms(client, address, 8080, below=100) < 100
        assert rtt(client, V4, below=20) < 20 and rtt(client, "::1", below=20) < 20
        assert _loopback_sysctls(client) == ["1", "1"]
        assert fault.stop()["dropped"] == 0
    assert _loopback_sysctls(client) == ["0", "0"] and rtt(client, "127.0.0.1", below=20) < 20


def test_the_sysctls_of_loopback_are_left_alone_where_they_are_not_needed_and_put_back_after_sigkill(wire):
    client, _ = wire
    with inject(client, "latency", "--to", V4, "--to", "fd77::/32", "--delay", "30ms"):
        assert _loopback_sysctls(client) == ["0", "0"]
    with inject(client, "latency", "--to", "127.0.0.1", "--delay", "30ms") as one:
        with inject(client, "latency", "--to", "127.0.0.1", "--delay", "20ms") as two:
            assert rtt(client, "127.0.0.1") >= 100
            one.stop(signal.SIGKILL)
            assert 40 <= rtt(client, "127.0.0.1", below=60) < 60
            two.stop(signal.SIGKILL)
        _until_loopback_is_as_before(client, 2)
    assert rtt(client, "127.0.0.1", below=20) < 20


def test_a_device_without_an_ethernet_header(lab):
    a, b = lab.host("a"), lab.host("b")
    with _tun_wire(a, b):
        assert rtt(a, "10.78.0.2", below=30) < 30
        for direction, times in (("egress", 1), ("ingress", 1), ("both", 2)):
            with inject(a, "latency", "--to", "10.78.0.2", "--to", "fd78::2", "--direction", direction, "--delay", "40ms") as fault:
                assert 40 * times <= rtt(a, "10.78.0.2", below=40 * times + 30) < 40 * times + 30
                assert 40 * times <= rtt(a, "fd78::2", below=40 * times + 30) < 40 * times + 30
                assert fault.stop()["hits"] == 8 * times


@contextlib.contextmanager
def _tun_wire(a, b):
    """tun0 in each of two hosts, joined by this process."""
    ends = []
    for host, last in ((a, 1), (b, 2)):
        with inside(host):
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", b"tun0", 0x1001))  # IFF_TUN | IFF_NO_PI
        ends.append(fd)
        host.run("ip", "link", "set", "tun0", "up", check=True)
        host.run("ip", "addr", "add", f"10.78.0.{last}/24", "dev", "tun0", check=True)
        host.run("ip", "addr", "add", f"fd78::{last}/64", "dev", "tun0", "nodad", check=True)
    stop_read, stop_write = os.pipe()

    def relay():
        while True:
            ready, _, _ = select.select([*ends, stop_read], [], [])
            if stop_read in ready:
                return
            for end in ready:
                os.write(ends[1 - ends.index(end)], os.read(end, 65536))

    thread = threading.Thread(target=relay)
    thread.start()
    try:
        yield
    finally:
        os.write(stop_write, b"x")
        thread.join()
        for fd in (*ends, stop_read, stop_write):
            os.close(fd)
