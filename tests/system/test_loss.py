"""Loss, duplicate, reorder, corrupt, bandwidth, and what is new of latency: real sockets over a veth pair, both families."""

import socket
import time

import pytest

from lab import BLACKSTART, inject, sh
from network import NEAR, V4, V6, connection, datagrams, pings, received, settled, sock

UDP_SEGMENT, SO_RCVBUFFORCE = 103, 33  # linux/udp.h, asm-generic/socket.h


@pytest.fixture
def wire(pair):
    return settled(pair)


# ---- loss, duplicate, reorder, corrupt --------------------------------------------------------------------------------


@pytest.mark.sanitize
@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("where", ["egress", "ingress"])
def test_every_third_datagram_is_lost_in_silence_and_other_peers_lose_none(wire, address, where):
    client, server = wire
    host, far = (client, address) if where == "egress" else (server, NEAR[address])
    other = V6 if address == V4 else V4
    with inject(host, "loss", "--to", far, "--protocol", "udp", "--every", 3, "--direction", where) as fault:
        with datagrams(client, server, address) as (source, sink):
            for i in range(30):
                source.send(b"%d" % i)  # no error at the sender
            assert [int(d) for d in received(sink)] == [i for i in range(30) if i % 3 != 2]
        with datagrams(client, server, other) as (source, sink):
            for i in range(30):
                source.send(b"%d" % i)
            assert len(received(sink)) == 30
        restored = fault.stop()
    assert restored["matched"] == 30 and restored["hits"] == 10 and restored["unseen"] == 0 and restored["dropped"] == 0
    assert pings(client, address)[0] == 5


def test_a_share_is_lost_each_way_and_a_stream_arrives_whole_all_the_same(wire):
    client, server = wire
    with inject(client, "loss", "--to", V4, "--direction", "both", "--share", "5%", "--seed", 7) as fault:
        with connection(client, server, V4) as (near, far, _):
            data = bytes(range(256)) * 512
            near.sendall(data)
            near.shutdown(socket.SHUT_WR)
            far.settimeout(20)
            got = b""
            while chunk := far.recv(65536):
                got += chunk
            assert got == data
        restored = fault.stop()
    assert restored["matched"] > restored["hits"]


@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize(("per", "least", "most"), [("packet", 1, 30), ("segment", 90, 165)])  # of 200; 5% of packets, 64% of 20 segments
def test_a_share_is_of_packets_or_of_the_segments_they_hold(lab, address, per, least, most):
    client, server = settled(lab.pair())
    with inject(client, "loss", "--to", address, "--protocol", "udp", "--share", "5%", "--per", per, "--seed", 7) as fault:
        with datagrams(client, server, address) as (source, sink):
            source.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 500)
            sink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
            for _ in range(200):
                source.send(bytes(20 * 500))
            arrived = len(received(sink))
        restored = fault.stop()
    assert restored["matched"] == 200 and least <= restored["hits"] <= most
    assert arrived == 20 * (200 - restored["hits"])


def test_loss_on_loopback_is_drawn_once_a_packet(wire):
    client, _ = wire
    for address in ("127.0.0.1", "::1"):
        with inject(client, "loss", "--to", address, "--protocol", "udp", "--every", 2, "--direction", "both") as fault:
            with datagrams(client, client, address) as (source, sink):
                for i in range(20):
                    source.send(b"%d" % i)
                assert [int(d) for d in received(sink)] == list(range(0, 20, 2))
            assert fault.stop()["matched"] == 20


@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("where", ["egress", "ingress"])
def test_a_duplicate_comes_right_behind_its_original(wire, address, where):
    client, server = wire
    host, far = (client, address) if where == "egress" else (server, NEAR[address])
    with inject(host, "duplicate", "--to", far, "--protocol", "udp", "--every", 2, "--direction", where) as fault:
        with datagrams(client, server, address) as (source, sink):
            for i in range(6):
                source.send(b"%d" % i)
            assert [int(d) for d in received(sink)] == [0, 1, 1, 2, 3, 3, 4, 5, 5]
        assert fault.stop()["hits"] == 3


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_duplicates_on_loopback(wire, address):
    client, _ = wire
    with inject(client, "duplicate", "--to", address, "--protocol", "udp", "--share", "100%", "--direction", "both"):
        with datagrams(client, client, address) as (source, sink):
            for i in range(3):
                source.send(b"%d" % i)
            assert [int(d) for d in received(sink)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("address", [V4, V6])
def test_what_is_held_back_is_overtaken(wire, address):
    client, server = wire
    with inject(client, "reorder", "--to", address, "--protocol", "udp", "--every", 5, "--delay", "150ms") as fault:
        with datagrams(client, server, address) as (source, sink):
            for i in range(10):
                source.send(b"%d" % i)
            assert [int(d) for d in received(sink)] == [0, 1, 2, 3, 5, 6, 7, 8, 4, 9]
        assert fault.stop()["hits"] == 2


@pytest.mark.parametrize("address", [V4, V6])
@pytest.mark.parametrize("where", ["egress", "ingress"])
def test_a_damaged_packet_is_thrown_away_by_its_receiver(wire, address, where):
    client, server = wire
    host, far = (client, address) if where == "egress" else (server, NEAR[address])
    counter = "Udp6InCsumErrors" if address == V6 else "UdpInCsumErrors"

    def bad_sums():
        return int(server.run("nstat", "-asz", counter).stdout.split()[-2])

    with inject(host, "corrupt", "--to", far, "--protocol", "udp", "--every", 2, "--direction", where) as fault:
        assert fault.armed["how"].endswith(", delay line")
        with datagrams(client, server, address) as (source, sink):
            before = bad_sums()
            for i in range(40):
                source.send(b"%02d" % i * 200)
            got = received(sink)
            assert [int(d[:2]) for d in got] == list(range(0, 40, 2)) and all(d == d[:2] * 200 for d in got)
            assert bad_sums() - before >= 10  # a flipped port or length is another error
        restored = fault.stop()
    assert restored["hits"] == 20 and "delay" not in restored  # nothing was asked to be late


def test_a_stream_survives_damage(wire):
    client, server = wire
    with inject(client, "corrupt", "--to", V4, "--share", "10%", "--seed", 3, "--direction", "both") as fault:
        with connection(client, server, V4) as (near, far, _):
            data = bytes(range(256)) * 256
            near.sendall(data)
            near.shutdown(socket.SHUT_WR)
            far.settimeout(20)
            got = b""
            while chunk := far.recv(65536):
                got += chunk
            assert got == data
        fault.stop()


# ---- bandwidth --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [V4, V6])
def test_a_rate_is_kept_and_what_waits_too_long_is_dropped(wire, address):
    client, server = wire
    with inject(client, "bandwidth", "--to", address, "--protocol", "udp", "--rate", "1mbit", "--queue", "400ms") as fault:
        with datagrams(client, server, address) as (source, sink):
            start = time.monotonic()
            for i in range(100):  # 1042 bytes and more each: 8.3 ms at that rate
                source.send(b"%03d" % i + bytes(997))
            got = received(sink, 0.6)
            took = time.monotonic() - start - 0.6
        # None overtakes another; a sender that was held up finds room again.
        numbers = [int(d[:3]) for d in got]
        assert 45 <= len(got) <= 70 and numbers[:40] == list(range(40)) and numbers == sorted(numbers)
        assert 0.37 <= took < 3
        restored = fault.stop()
    assert restored["dropped"] == 100 - len(got)
    assert restored["delay"]["max_us"] >= 300_000


def test_each_direction_has_the_rate_for_itself(wire):
    client, server = wire
    with inject(client, "bandwidth", "--to", V4, "--protocol", "udp", "--rate", "1mbit", "--queue", "2s", "--direction", "both"):
        with datagrams(client, server, V4) as (out, at_server), datagrams(server, client, NEAR[V4], 9001) as (back, at_client):
            start = time.monotonic()
            for _ in range(50):
                out.send(bytes(1000))
                back.send(bytes(1000))
            assert len(received(at_server)) == 50 and len(received(at_client)) == 50
            assert 0.4 <= time.monotonic() - start < 4


# ---- latency ----------------------------------------------------------------------------------------------------------


def test_a_handshake_can_be_spared(wire):
    client, server = wire
    with sock(server, V4, socket.SOCK_STREAM, (V4, 7000)) as listener:
        listener.listen(8)
        with inject(client, "latency", "--to", V4, "--delay", "200ms", "--skip-handshake"):
            start = time.monotonic()
            with sock(client, V4, socket.SOCK_STREAM) as near:
                near.connect((V4, 7000))
                assert time.monotonic() - start < 0.15
                far, _ = listener.accept()
                far.settimeout(3)
                start = time.monotonic()
                near.send(b"x")
                assert far.recv(10) == b"x" and time.monotonic() - start >= 0.2
                far.close()


@pytest.mark.parametrize("way", [[], ["--delay-line"]], ids=["by-choice", "delay-line"])
def test_the_delay_that_was_really_applied_is_told(wire, way):
    client, _ = wire
    with inject(client, "latency", "--to", V4, "--delay", "30ms", *way) as fault:
        pings(client, V4, 20)
        delay = fault.stop()["delay"]
    assert delay["packets"] == 20 and 30_000 <= delay["p50_us"] < 45_000 and delay["p50_us"] <= delay["p99_us"] <= delay["max_us"] < 200_000


def test_a_table_of_delays_is_drawn_from(wire):
    client, _ = wire
    with inject(client, "latency", "--to", V4, "--delay", "1ms", "--distribution", "0ms,0ms,60ms,60ms", "--seed", 5) as fault:
        pings(client, V4, 40)
        delay = fault.stop()["delay"]
    assert fault.armed["how"].endswith(", delay line") and delay["packets"] == 40 and 55_000 < delay["max_us"] < 120_000


# ---- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv, says",
    [
        (("loss", "--to", V4), "share"),
        (("loss", "--to", V4, "--share", "101%"), "at most 100%"),
        (("loss", "--to", V4, "--share", "10%", "--every", "3"), "one of them"),
        (("loss", "--share", "10%"), "nothing is matched"),
        (("loss", "--to", "10.0.0.0/33", "--share", "10%"), "10.0.0.0/33"),
        (("loss", "--to", V4, "--share", "10%", "--probability", "5%"), "--probability"),
        (("loss", "--to", V4, "--share", "90%", "--burst", "2"), "burst"),
        (("bandwidth", "--to", V4, "--rate", "10"), "10mbit"),
        (("bandwidth", "--to", V4, "--rate", "10mbt"), "mbit"),
        (("reorder", "--to", V4, "--share", "1%", "--delay", "6s"), "as long as the fault"),
        (("latency", "--to", V4, "--delay", "10ms", "--jitter", "1ms", "--distribution", "paretto"), "pareto"),
        (("latency", "--to", V4, "--delay", "10ms", "--distribution", "normal"), "jitter"),
        (("partition", "--to", V4, "--established", "kept"), "keep"),
        (("reset", "--to", V4, "--protocol", "udp"), "TCP"),
    ],
)
def test_what_cannot_be_is_refused_with_exit_2(argv, says):
    done = sh(BLACKSTART, "inject", *argv, "--for", "5s", check=False)
    assert done.returncode == 2 and says in done.stderr, done.stderr
