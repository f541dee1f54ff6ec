"""Services that err, and checks other than a status: seen by real clients and a real HAProxy."""

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from haproxy import Haproxy

from inside import inside
from lab import Lab, inject

PYTHON = "/usr/bin/python3"
WEB = Path(__file__).resolve().parent / "web.py"
V4, V6 = "10.77.0.2", "[fd77:0::2]"

# PORT ANSWER: says that to a PING, and OK to everything else, as far as clients of these tests ask.
REDIS = r"""
import socketserver, socket, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            head = self.rfile.readline()
            if not head: return
            words = [self.rfile.read(int(self.rfile.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))]
            self.wfile.write(sys.argv[2].encode() + b"\r\n" if words[0].upper() == b"PING" else b"+OK\r\n")
class Server(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address, daemon_threads, request_queue_size = socket.AF_INET6, True, True, 128
Server(("::", int(sys.argv[1])), Handler).serve_forever()
"""
LOADING = "-LOADING Redis is loading the dataset in memory"


@pytest.fixture(scope="module", params=[True, False], ids=["offload", "no-offload"])
def served(isolated, request):
    lab = Lab()
    client, server = lab.pair(offload=request.param)
    server.start(PYTHON, WEB, 8080, stdout=subprocess.DEVNULL)
    server.start(PYTHON, "-c", REDIS, 6379, "+PONG", stdout=subprocess.DEVNULL)
    server.start(PYTHON, "-c", REDIS, 6380, LOADING, stdout=subprocess.DEVNULL)
    for port in (8080, 6379, 6380):
        client.wait_tcp("10.77.0.2", port)
        client.wait_tcp("fd77:0::2", port)
    yield client, server
    lab.close()


@pytest.fixture(params=["server", "client"])
def side(request, served):
    client, server = served
    return client, server if request.param == "server" else client


def status(host, url, *options):
    done = host.run("curl", "-sg", "-m", 5, "-o", "/dev/null", "-w", "%{http_code}", *options, url)
    return done.returncode, done.stdout


@pytest.mark.sanitize
def test_only_the_method_the_path_and_the_host_that_were_named(side):
    client, target = side
    with inject(target, "http", "--port", 8080, "--path", "/shop/*", "--method", "GET", "--host", "Shop.test", "--status", 502) as fault:
        for address in (V4, V6):
            url = f"http://{address}:8080/shop/a"
            assert status(client, url, "-H", "Host: shop.test") == (0, "502")
            assert status(client, url, "-H", "Host: shop.test:8080") == (0, "502")
            assert status(client, url, "-H", "Host: SHOP.Test") == (0, "502")
            assert status(client, url, "-H", "Host: workshop.test") == (0, "200")
            assert status(client, url, "-H", "Host: shop.test.example") == (0, "200")
            assert status(client, url) == (0, "200")
            assert status(client, url, "-H", "Host: shop.test", "-d", "x=1") == (0, "200")
            assert status(client, f"http://{address}:8080/other", "-H", "Host: shop.test") == (0, "200")
        assert fault.stop()["hits"] == 6


def test_a_share_of_the_requests(side):
    client, target = side
    with inject(target, "http", "--port", 8080, "--status", 503, "--probability", "85%", "--seed", 7) as fault:
        urls = [f"http://{V4}:8080/{i}" for i in range(200)]
        seen = client.run("curl", "-sg", "-m", 30, "-w", "%{http_code}\\n", *urls).stdout.split()
        codes = [line.removeprefix("ok") for line in seen]
        assert len(codes) == 200 and set(codes) == {"200", "503"}
        assert 150 <= codes.count("503") <= 188  # 170 are expected; this is beyond four deviations
        restored = fault.stop()
        assert (restored["matched"], restored["hits"]) == (200, codes.count("503"))


def test_two_processes_change_the_answers_of_one_port_each_of_its_own_path(side):
    client, target = side
    first = inject(target, "health", "--port", 8080, "--path", "/livez", "--result", 503)
    second = inject(target, "health", "--port", 8080, "--path", "/readyz", "--result", "reset")
    third = inject(target, "http", "--port", 8080, "--path", "/shop/*", "--status", 502)
    with first, second, third:
        for address in (V4, V6):
            url = f"http://{address}:8080"
            assert [status(client, url + path)[1] for path in ("/livez", "/readyz", "/shop/a", "/")] == ["503", "000", "502", "200"]
        second.stop(signal.SIGKILL)
        assert [status(client, url + path)[1] for path in ("/livez", "/readyz", "/shop/a", "/")] == ["503", "200", "502", "200"]
        assert (first.stop()["hits"], third.stop()["hits"]) == (3, 3)


def test_a_failing_check_is_shown_as_passing(side):
    client, target = side
    with inject(target, "health", "--port", 8080, "--path", "/healthz", "--result", "pass") as fault:
        for address in (V4, V6):
            assert status(client, f"http://{address}:8080/healthz?status=500") == (0, "200")
            assert status(client, f"http://{address}:8080/healthz?status=404") == (0, "200")
            assert status(client, f"http://{address}:8080/healthz") == (0, "200")
            assert status(client, f"http://{address}:8080/other?status=500") == (0, "500")
        assert fault.stop()["hits"] == 4
    assert status(client, f"http://{V4}:8080/healthz?status=500") == (0, "500")


def connects(host, address, port, source=None, timeout=0.7):
    with inside(host):
        try:
            with socket.create_connection((address, port), timeout, (source, 0) if source else None):
                return "connected"
        except TimeoutError:
            return "timeout"
        except ConnectionRefusedError:
            return "refused"


@pytest.mark.parametrize(("result", "seen"), [("timeout", "timeout"), ("reset", "refused")])
def test_a_check_that_only_connects_is_told_by_its_source(side, result, seen):
    client, target = side
    client.run("ip", "addr", "add", "10.77.0.9/24", "dev", "eth0")
    client.run("ip", "addr", "add", "fd77:0::9/64", "dev", "eth0", "nodad")
    with inject(target, "health", "--port", 8080, "--protocol", "tcp", "--from", "10.77.0.9", "--from", "fd77:0::9", "--result", result) as fault:
        assert connects(client, "10.77.0.2", 8080, "10.77.0.9") == seen
        assert connects(client, "fd77:0::2", 8080, "fd77:0::9") == seen
        assert connects(client, "10.77.0.2", 8080) == "connected"
        assert connects(client, "fd77:0::2", 8080, "fd77:0::1") == "connected"
        assert connects(client, "10.77.0.2", 6379, "10.77.0.9") == "connected"
        assert fault.stop()["hits"] == 2
    assert connects(client, "10.77.0.2", 8080, "10.77.0.9") == "connected"


def asked(connection, *words):
    connection.sendall(f"*{len(words)}\r\n".encode() + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
    return connection.recv(100)


def test_redis_says_an_error_to_a_ping_and_serves_everything_else(side):
    client, target = side
    with inject(target, "health", "--port", 6379, "--protocol", "redis", "--result", "not-serving") as fault:
        for address in ("10.77.0.2", "fd77:0::2"):
            with inside(client), socket.create_connection((address, 6379), 5) as connection:
                assert asked(connection, "SET", "a", "PING") == b"+OK\r\n"
                assert asked(connection, "PING") == b"-ERR \r\n"
                assert asked(connection, "PING", "hello") == b"+PONG\r\n"
                assert asked(connection, "GET", "a") == b"+OK\r\n"
                assert asked(connection, "ping") == b"-ERR \r\n"
        assert fault.stop()["hits"] == 4


def test_a_redis_that_is_still_loading_passes_and_the_message_keeps_its_length(side):
    client, target = side
    with inject(target, "health", "--port", 6380, "--protocol", "redis", "--result", "pass") as fault:
        for address in ("10.77.0.2", "fd77:0::2"):
            with inside(client), socket.create_connection((address, 6380), 5) as connection:
                assert asked(connection, "PING") == ("+" + LOADING[1:-5] + "+PONG\r\n").encode()
                assert asked(connection, "GET", "a") == b"+OK\r\n"
                assert asked(connection, "PING").endswith(b"+PONG\r\n")
        assert fault.stop()["hits"] == 4


def test_haproxy_takes_a_loading_redis_for_one_that_works(haproxy):
    server, checker = haproxy
    checker.until("loading", "DOWN", BUSY)
    with inject(server, "health", "--port", 6380, "--protocol", "redis", "--result", "pass") as fault:
        checker.until("loading", "UP", BUSY)
        fault.stop()
    checker.until("loading", "DOWN", BUSY)


BACKENDS = """
backend redis
    option redis-check
    server one 10.77.0.2:6379 check
backend loading
    option redis-check
    server one 10.77.0.2:6380 check
backend http
    option httpchk
    server one 10.77.0.2:8080 check
backend tcp
    server one 10.77.0.2:8080 check
frontend data
    bind 127.0.0.1:9000
    default_backend tcp
"""
BUSY = 10.0  # seconds, for a machine that is


@pytest.fixture
def haproxy(served, tmp_path):
    """(server, HAProxy): it checks the server every 200 ms, three to fall, two to rise."""
    client, server = served
    made = Haproxy(client, tmp_path, BACKENDS)
    yield server, made
    made.close()


# The checker gives up after fall x (interval + timeout), 1.5 s here; the bound is for a busy machine.
@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("redis", ["--port", 6379, "--protocol", "redis", "--result", "not-serving"]),
        ("redis", ["--port", 6379, "--protocol", "redis", "--result", "timeout"]),
        ("redis", ["--port", 6379, "--protocol", "redis", "--result", "reset"]),
        ("http", ["--port", 8080, "--path", "/", "--result", 503]),
        ("tcp", ["--port", 8080, "--protocol", "tcp", "--from", "10.77.0.1", "--result", "reset"]),
        ("tcp", ["--port", 8080, "--protocol", "tcp", "--from", "10.77.0.1", "--result", "timeout"]),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value[-1]),
)
def test_haproxy_sees_a_server_down_and_up_again(haproxy, backend, words):
    server, checker = haproxy
    checker.until(backend, "UP", BUSY)
    with inject(server, "health", *words) as fault:
        checker.until(backend, "DOWN", BUSY)
        fault.stop()
    checker.until(backend, "UP", BUSY)


def test_haproxy_keeps_a_server_that_fails_twice_in_a_row(haproxy):
    server, checker = haproxy
    checker.until("redis", "UP", BUSY)
    cycle = "fail=2,pass=2"
    with inject(server, "health", "--port", 6379, "--protocol", "redis", "--result", "not-serving", "--cycle", cycle) as fault:
        checker.stays("redis", "UP", 5)
        assert fault.stop()["hits"] >= 4
