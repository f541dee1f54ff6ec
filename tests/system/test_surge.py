"""A load of HTTP requests: its rate, whatever the server does; where it may go; and its end."""

import http.server
import os
import signal
import socket
import threading
import time

import pytest

from inside import inside
from lab import BLACKSTART, Lab, inject, sh


class Counted(http.server.ThreadingHTTPServer):
    """Notes when each request came; answers after `hold` seconds."""

    allow_reuse_address, daemon_threads, request_queue_size = True, True, 1024

    def __init__(self, address, hold=0.0):
        self.came, self.hold = [], hold
        super().__init__((address, 8080), Handler)
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()

    def handle_error(self, *_):
        pass  # a client that has gone


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.came.append((time.monotonic(), self.path))
        time.sleep(self.server.hold)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Counted6(Counted):
    address_family = socket.AF_INET6


@pytest.fixture(scope="module")
def wire(isolated):
    lab = Lab()
    yield lab.pair()
    lab.close()


@pytest.fixture
def serve(wire):
    servers = []

    def start(hold=0.0, kind=Counted, address="10.77.0.2"):
        with inside(wire[1]):
            servers.append(kind(address, hold))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.sanitize
@pytest.mark.parametrize("kind, address, url", [(Counted, "10.77.0.2", "http://10.77.0.2:8080/shop?a=1"),
                                                (Counted6, "fd77:0::2", "http://[fd77:0::2]:8080/shop?a=1")], ids=["IPv4", "IPv6"])
def test_the_rate_is_kept_and_each_request_is_counted(wire, serve, kind, address, url):
    server = serve(kind=kind, address=address)
    with inject(wire[0], "surge", "--url", url, "--rate", 100, "--for", "2s") as fault:
        code, restored = fault.finish()
    # Those that were on their way at the end may be missing there.
    assert 190 <= restored["matched"] <= 200 and 150 <= restored["hits"] <= 200, restored
    assert restored["hits"] - 20 <= len(server.came) <= restored["hits"], (restored, len(server.came))
    assert {path for _, path in server.came} == {"/shop?a=1"}
    assert code == 0


def test_a_slow_server_is_not_waited_for(wire, serve):
    server = serve(hold=1.0)
    with inject(wire[0], "surge", "--url", "http://10.77.0.2:8080/", "--rate", 100, "--for", "2s") as fault:
        _, restored = fault.finish()
    # One at a time, or a few, would be a handful.
    assert restored["hits"] >= 150 and len(server.came) >= 150, (restored, len(server.came))


def test_a_share_and_a_cycle_of_the_requests(wire, serve):
    server = serve()
    with inject(wire[0], "surge", "--url", "http://10.77.0.2:8080/", "--rate", 200, "--cycle", "fail=1,pass=3", "--for", "2s") as fault:
        _, restored = fault.finish()
    assert 90 <= restored["hits"] <= 100 and restored["matched"] >= 380, restored
    server.came.clear()
    with inject(wire[0], "surge", "--url", "http://10.77.0.2:8080/", "--rate", 200, "--probability", "50%", "--for", "2s") as fault:
        _, restored = fault.finish()
    assert 140 <= restored["hits"] <= 260, restored


def test_without_a_server_nothing_is_proved(wire):
    with inject(wire[0], "surge", "--url", "http://10.77.0.2:8081/", "--rate", 50, "--for", "1s") as fault:
        code, restored = fault.finish()
    assert code == 3
    assert restored["hits"] == 0 and restored["unseen"] >= 40, restored


def test_it_goes_nowhere_else(wire):
    client, _ = wire
    client.run("ip", "route", "add", "198.51.100.0/24", "via", "10.77.0.2", check=True)
    client.run("ip", "link", "add", "other", "type", "veth", "peer", "name", "other-end", check=True)
    client.run("ip", "addr", "add", "192.0.2.1/24", "dev", "other", check=True)
    for end in ("other", "other-end"):
        client.run("ip", "link", "set", end, "up", check=True)
    try:
        for url, why, more in (
            ("http://198.51.100.9/", "198.51.100.9 lies behind a router: a surge stays on the target's own networks", []),
            ("http://192.0.2.9/", "192.0.2.9 is on no network of the target's interfaces", ["--interface", "eth0"]),
            ("http://203.0.113.9/", "there is no route to 203.0.113.9", []),
        ):
            done = sh(BLACKSTART, "inject", "surge", "--netns", client.name, "--url", url, "--rate", 10, "--for", "1s", *more, check=False)
            assert done.returncode == 4 and why in done.stderr, done.stderr
        named = sh(BLACKSTART, "inject", "surge", "--netns", client.name, "--url", "http://198.51.100.9/", "--rate", 10, "--for", "200ms",
                   "--to", "198.51.100.0/24", check=False)
        assert named.returncode == 3, named.stderr  # it may; nobody is there
    finally:
        client.run("ip", "link", "del", "other")
        client.run("ip", "route", "del", "198.51.100.0/24")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_it_ends_with_its_process_and_does_not_catch_up(wire, serve, number):
    server = serve()
    with inject(wire[0], "surge", "--url", "http://10.77.0.2:8080/", "--rate", 200, "--for", "60s") as fault:
        until = time.monotonic() + 20
        while len(server.came) < 100 and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(fault.process.pid, number)
        time.sleep(0.5)
        before = len(server.came)
        time.sleep(2.5)  # longer than the lease
        assert len(server.came) == before
        if number == signal.SIGSTOP:
            os.kill(fault.process.pid, signal.SIGCONT)
            assert fault.process.wait(20) == 3  # a lapsed lease is final
            assert len(server.came) <= before + 5  # those that were on their way
