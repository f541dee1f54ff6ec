"""Data on the port of the checks is never touched, and no check slips through, packets being lost or not."""

import collections
import contextlib
import json
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grpc_asker import Asker
from inside import inside
from lab import Lab, inject
from web import body

PYTHON = "/usr/bin/python3"
HERE = Path(__file__).resolve().parent
LOSS = ["loss", "--to", "10.77.0.0/24", "--share", "2%", "--direction", "both"]


@pytest.fixture(scope="module", params=[True, False], ids=["offload", "no-offload"])
def served(isolated, request):
    lab = Lab()
    client, server = lab.pair(offload=request.param)
    server.start(PYTHON, HERE / "web.py", 8080, stdout=subprocess.DEVNULL)
    server.start(PYTHON, HERE / "grpc_peer.py", "serve", 50051, stdout=subprocess.DEVNULL)
    for port in (8080, 50051):
        client.wait_tcp("10.77.0.2", port)
    yield client, server
    lab.close()


@pytest.fixture(params=["checked", "checking"])
def side(request, served):
    """client, the host that the fault is put on, and the other"""
    client, server = served
    return (client, server, client) if request.param == "checked" else (client, client, server)


def load(client, seconds=4, connections=200):
    done = client.run(PYTHON, HERE / "load.py", "10.77.0.2", 8080, seconds, connections, timeout=90)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("lossy", [False, True], ids=["clean", "lossy"])
def test_two_hundred_connections_beside_checks_are_untouched(side, lossy):
    client, on, other = side
    with contextlib.ExitStack() as stack:
        if lossy:  # between the fault and its peer: what is lost is sent again, and has to be changed alike
            stack.enter_context(inject(other, *LOSS))
        quiet = load(client, 2)
        assert not quiet["wrong"] and list(quiet["checks"]) == ["200"]
        fault = stack.enter_context(inject(on, "health", "--port", 8080, "--path", "/healthz", "--result", 503))
        lied = load(client)
        assert not lied["wrong"], lied["wrong"][:5]
        assert list(lied["checks"]) == ["503"] and lied["checks"]["503"] >= 10
        assert lied["data"] > 1000
        restored = fault.stop()
        assert (restored["hits"], restored["unseen"]) == (lied["checks"]["503"], 0)
        # Figures are scripts/bench's; this is only not to be far off on a busy machine.
        assert lied["median"] < 10 * quiet["median"] + 0.05


@pytest.mark.parametrize("result", ["timeout", "reset", "slow"])
def test_what_ends_or_holds_a_check_hits_no_other_connection(side, result):
    client, on, _ = side
    delay = ["--delay", "300ms"] if result == "slow" else []
    with inject(on, "health", "--port", 8080, "--path", "/healthz", "--result", result, *delay) as fault:
        loading = client.start(PYTHON, HERE / "load.py", "10.77.0.2", 8080, 4, 100, "data", stderr=subprocess.STDOUT)
        for _ in range(10):
            begin = time.monotonic()
            done = client.run("curl", "-s", "-m", 0.4 if result == "timeout" else 10, "http://10.77.0.2:8080/healthz")
            if result == "slow":
                assert done.stdout == "ok" and time.monotonic() - begin >= 0.3
            else:
                assert done.returncode == (28 if result == "timeout" else 56)
        told = json.loads(loading.communicate(timeout=60)[0])
        assert not told["wrong"] and told["data"] > 500
        assert fault.stop()["hits"] == 10


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: web\r\n\r\n".encode()


def heard(connection, content, bound=20):
    """What the connection says up to this content; what there is of it if it takes longer."""
    text, until = b"", time.monotonic() + bound
    with contextlib.suppress(TimeoutError):
        while content not in text and time.monotonic() < until:
            connection.settimeout(max(until - time.monotonic(), 0.01))
            text += connection.recv(65536)
    return text


def test_the_connection_that_a_check_holds_goes_on_whole_when_the_fault_ends_and_others_never_stop(side):
    client, on, _ = side
    with inside(client), socket.create_connection(("10.77.0.2", 8080), 5) as hit, socket.create_connection(("10.77.0.2", 8080), 5) as other:
        for connection in (hit, other):
            connection.sendall(request("/data?size=700"))
            assert body(700) in heard(connection, body(700))
        with inject(on, "health", "--port", 8080, "--path", "/healthz", "--result", "timeout") as fault:
            hit.sendall(request("/healthz"))
            assert heard(hit, b"ok", 0.5) == b""
            hit.sendall(request("/data?size=900"))
            for size in range(1000, 1020):
                other.sendall(request(f"/data?size={size}"))
                assert body(size) in heard(other, body(size), 2)
            assert heard(hit, b"200", 0.5) == b""
            assert fault.stop()["hits"] == 1
        late = heard(hit, body(900))
        assert late.count(b"HTTP/1.1 200") == 2 and late.endswith(body(900)) and b"\r\n\r\nokHTTP/1.1" in late


@pytest.mark.parametrize(("result", "seen"), [("timeout", {28}), ("reset", {28, 56})])
def test_no_check_slips_through_when_packets_are_lost(side, result, seen):
    client, on, other = side
    with inject(other, *LOSS), inject(on, "health", "--port", 8080, "--path", "/healthz", "--result", result) as fault:
        def code(_):
            return client.run("curl", "-s", "-m", 0.5, "http://10.77.0.2:8080/healthz").returncode

        with ThreadPoolExecutor(5) as checkers:
            codes = collections.Counter(checkers.map(code, range(30)))
        assert set(codes) <= seen, codes
        restored = fault.stop()
        assert restored["hits"] >= 20 and not restored["unseen"]
        for size in range(1, 60000, 5000):
            assert client.run("curl", "-s", "-m", 20, f"http://10.77.0.2:8080/data?size={size}").stdout.encode() == body(size)


def test_no_grpc_check_slips_through_when_packets_are_lost(side):
    client, on, other = side
    seen = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(inject(other, *LOSS))
        fault = stack.enter_context(inject(on, "health", "--port", 50051, "--protocol", "grpc", "--result", "not-serving"))
        ask = stack.enter_context(Asker(client, "10.77.0.2:50051"))
        for _ in range(150):
            seen.append(ask("check"))
            assert ask("buy 2000") in (True, "DEADLINE_EXCEEDED")
        restored = fault.stop()
    assert set(seen) <= {"NOT_SERVING", "DEADLINE_EXCEEDED"} and not restored["unseen"], (collections.Counter(seen), restored["unseen"])
