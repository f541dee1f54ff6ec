"""Partition and reset: who is told, what is spared, and what happens to open connections, both families."""

import contextlib
import socket
import time

import pytest

from lab import inject
from network import NEAR, V4, V6, connection, connects, datagrams, pings, received, settled, sock


@pytest.fixture
def wire(pair):
    return settled(pair)


# ---- partition --------------------------------------------------------------------------------------------------------


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
        with inject(client, "partition", "--to", address, "--port", 7000, "--reject") as fault:
            assert isinstance(connects(client, address, 7000, 3), ConnectionRefusedError)
            with sock(client, address) as source:
                source.connect((address, 7000))
                source.send(b"x")
                with pytest.raises(ConnectionRefusedError):
                    source.recv(10)
            fault.stop()
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


# ---- reset ------------------------------------------------------------------------------------------------------------


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
