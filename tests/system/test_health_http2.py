"""Checks over HTTP/2 and gRPC, by clients and servers of real libraries: those of gRPC, curl, nghttp2 and nginx."""

import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from grpc_asker import PEER, Asker
from inside import inside
from lab import Lab, inject

LARGE = 2_000_000
PYTHON = "/usr/bin/python3"
HERE = Path(__file__).resolve().parent
NGINX = """
user root;
daemon off;
pid {dir}/nginx.pid;
error_log stderr crit;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 8082 http2;
        listen [::]:8082 http2;
        location = /healthz {{ return 200 "ok"; }}
        location = /sick {{ return 500 "sick"; }}
        location = /tired {{ return 503 "tired"; }}
        location = /large {{ root {dir}; }}
        location / {{ return 200 "data"; }}
    }}
}}
"""


@pytest.fixture(scope="module", params=[True, False], ids=["offload", "no-offload"])
def served(isolated, request, tmp_path_factory):
    """client and server: gRPC on 50051, nginx with HTTP/2 in clear on 8082, nghttpx, which upgrades from HTTP/1.1, on 8083."""
    lab = Lab()
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    (folder / "nginx.conf").write_text(NGINX.format(dir=folder))
    (folder / "large").write_bytes(b"x" * LARGE)
    client, server = lab.pair(offload=request.param)
    server.start(PYTHON, PEER, "serve", 50051, stdout=subprocess.DEVNULL)
    server.start("nginx", "-p", folder, "-c", folder / "nginx.conf", stdout=subprocess.DEVNULL)
    server.start(PYTHON, HERE / "web.py", 8080, stdout=subprocess.DEVNULL)
    server.start("nghttpx", "--conf=/dev/null", "--single-process", "-f*,8083;no-tls", "-b127.0.0.1,8080", f"--errorlog-file={folder}/nghttpx")
    for port in (50051, 8080, 8082, 8083):
        client.wait_tcp("10.77.0.2", port)
    yield client, server
    lab.close()


@pytest.fixture(params=["checked", "checking"])
def side(request, served):
    """client, and the host that the fault is put on"""
    client, server = served
    return client, server if request.param == "checked" else client


def grpc(host, result, *options):
    return inject(host, "health", "--port", 50051, "--protocol", "grpc", "--result", result, *options)


TARGETS = ["10.77.0.2:50051", "[fd77:0::2]:50051"]


@pytest.mark.sanitize
@pytest.mark.parametrize("target", TARGETS, ids=["ipv4", "ipv6"])
def test_grpc_checks_are_told_not_serving_and_calls_on_the_same_connection_are_not(side, target):
    client, on = side
    with grpc(on, "not-serving") as fault, Asker(client, target) as ask:
        for _ in range(5):
            assert ask("check") == "NOT_SERVING"
            assert ask("buy 1") is True
            assert ask("buy 100000") is True
            assert ask("check sick") == "NOT_SERVING"
        restored = fault.stop()
        assert (restored["matched"], restored["hits"]) == (10, 5)
        assert ask("check") == "SERVING"
        assert ask("buy 10") is True


def test_a_watch_hears_not_serving_for_as_long_as_the_fault_lasts(side):
    client, on = side
    with grpc(on, "not-serving") as fault, Asker(client, TARGETS[0]) as ask:
        assert [ask("watch") for _ in range(4)] == ["NOT_SERVING"] * 4
        assert ask("buy 1000") is True
        fault.stop()
        until = time.monotonic() + 5
        while ask("watch") != "SERVING":
            assert time.monotonic() < until


def test_a_failing_grpc_check_is_shown_as_serving(side):
    client, on = side
    with grpc(on, "pass") as fault, Asker(client, TARGETS[0]) as ask:
        assert [ask("check sick"), ask("check"), ask("check sick")] == ["SERVING"] * 3
        assert fault.stop()["hits"] == 2
        assert ask("check sick") == "NOT_SERVING"


def test_a_cycle_and_the_agent_of_grpc(side):
    client, on = side
    with grpc(on, "not-serving", "--cycle", "fail=3,pass=2", "--agent", "grpc-python/*"), Asker(client, TARGETS[0]) as ask:
        seen = [ask("check") for _ in range(10)]
        assert seen == (["NOT_SERVING"] * 3 + ["SERVING"] * 2) * 2
    with grpc(on, "not-serving", "--agent", "grpc-go/*"), Asker(client, TARGETS[0]) as ask:
        assert ask("check") == "SERVING"


@pytest.mark.parametrize(("result", "seen"), [("timeout", "DEADLINE_EXCEEDED"), ("reset", "UNAVAILABLE")])
def test_a_grpc_check_is_held_or_reset(side, result, seen):
    client, on = side
    with grpc(on, result) as fault, Asker(client, TARGETS[0]) as ask:
        assert ask("buy 10") is True
        assert ask("check") == seen
        assert fault.stop()["hits"] >= 1


def test_huffman_paths_and_their_entries_are_the_check(side, tmp_path):
    client, on = side
    (tmp_path / "empty").write_bytes(b"\0" * 5)
    fields = [f"-H{field}" for field in (":method: POST", "content-type: application/grpc", "te: trailers")]
    with grpc(on, "not-serving") as fault:
        url = "http://10.77.0.2:50051/grpc.health.v1.Health/Check"
        said = client.run("nghttp", "-m", 5, "--no-dep", *fields, "-d", tmp_path / "empty", url).stdout
        assert said == "\0\0\0\0\2\10\2" * 5
        assert fault.stop()["hits"] == 5


def statuses(host, *urls):
    """What nghttp sees of these, asked for over one connection, by path."""
    said = host.run("nghttp", "-ns", "--no-dep", *urls).stdout
    return {path: int(code) for code, path in re.findall(r"\s(\d{3})\s+\d+\S* (/\S*)$", said, re.M)}


@pytest.mark.parametrize("address", ["10.77.0.2", "[fd77:0::2]"])
def test_http2_checks_see_a_status_and_nothing_else_does(side, address):
    client, on = side
    paths = ["/data", "/healthz", "/healthzzz", "/healthz?deep=1", "/other"]
    urls = [f"http://{address}:8082{path}" for path in paths]
    with inject(on, "health", "--port", 8082, "--protocol", "http2", "--path", "/healthz", "--result", 500) as fault:
        assert statuses(client, *urls) == {path: 500 if path in ("/healthz", "/healthz?deep=1") else 200 for path in paths}
        assert fault.stop()["hits"] == 2
    assert statuses(client, *urls) == dict.fromkeys(paths, 200)


def curl(host, path):
    done = host.run("curl", "-sg", "-m", 10, "--http2-prior-knowledge", "-w", "%{http_code}", f"http://10.77.0.2:8082{path}")
    assert done.returncode == 0, done
    return done.stdout


def test_a_failing_http2_check_is_shown_as_passing(side):
    client, on = side
    with inject(on, "health", "--port", 8082, "--protocol", "http2", "--path", "/*", "--result", "pass") as fault:
        assert curl(client, "/sick") == "sick200"
        assert curl(client, "/healthz") == "ok200"
        assert curl(client, "/tired") == "tired503"  # enters the dynamic table: nothing of the same length would
        restored = fault.stop()
        assert (restored["hits"], restored["unseen"]) == (1, 1)


def test_a_large_answer_beside_checks_is_whole(side):
    client, on = side
    with inject(on, "health", "--port", 8082, "--protocol", "http2", "--path", "/healthz", "--result", 404) as fault:
        for _ in range(5):
            done = client.run(*["nghttp", "--no-dep", *[f"http://10.77.0.2:8082/{path}" for path in ("healthz", "large", "data")]], encoding="latin-1")
            assert len(done.stdout) == LARGE + len("ok") + len("data")
        assert fault.stop()["hits"] == 5


def frame(kind, flags, stream, content=b""):
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def upload(stream, size):
    """RFC 9113, in literals of RFC 7541: POST /data with that much of a body."""
    block = b"\x83\x86\x04\x05/data\x01\x01x"
    sizes = [16384] * (size // 16384) + [size % 16384]
    data = [frame(0, n + 1 == len(sizes), stream, b"x" * part) for n, part in enumerate(sizes)]
    return frame(1, 4, stream, block) + b"".join(data)


def check_of(stream):
    return frame(1, 5, stream, b"\x82\x86\x04\x08/healthz\x01\x01x")


def answers(connection, streams):
    """The first octet of each stream's header block, which is its status, once all streams have ended."""
    left, statuses, ended = b"", {}, set()
    while ended < streams:
        left += connection.recv(65536)
        while len(left) >= 9 and len(left) >= 9 + int.from_bytes(left[:3], "big"):
            size, kind, flags, stream = int.from_bytes(left[:3], "big"), left[3], left[4], int.from_bytes(left[5:9], "big")
            if kind == 1:
                statuses[stream] = left[9]
            if kind in (0, 1) and flags & 1:
                ended.add(stream)
            left = left[9 + size :]
    return statuses


def test_checks_beside_uploads_that_come_out_of_order_are_matched(served):
    client, server = served
    lie = inject(server, "health", "--port", 8082, "--protocol", "http2", "--path", "/healthz", "--result", 404)
    mess = inject(client, "reorder", "--to", "10.77.0.2", "--port", 8082, "--share", "20%", "--delay", "20ms", "--seed", 7)
    with lie as fault, mess as reordered, inside(client), socket.create_connection(("10.77.0.2", 8082), 10) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(4, 1, 0))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for stream in range(1, 181, 6):
            connection.sendall(check_of(stream))
            connection.sendall(upload(stream + 2, 40_000))
            connection.sendall(check_of(stream + 4))
            assert answers(connection, {stream, stream + 2, stream + 4}) == {stream: 0x8D, stream + 2: 0x88, stream + 4: 0x8D}
        assert reordered.stop()["hits"] >= 5
        restored = fault.stop()
        assert (restored["hits"], restored["unseen"]) == (60, 0)


def upgraded(host, *urls):
    """The HTTP version and the status of each, asked for by one curl that wants HTTP/2 and begins in HTTP/1.1."""
    done = host.run("curl", "-sg", "-m", 10, "--http2", *[word for _ in urls for word in ("-o", "/dev/null")], "-w", "%{http_version} %{http_code}\n", *urls)
    assert done.returncode == 0, done
    return done.stdout.splitlines()


@pytest.mark.sanitize
@pytest.mark.parametrize("address", ["10.77.0.2", "[fd77:0::2]"])
def test_a_check_that_upgrades_to_http2_sees_a_status_and_nothing_else_does(side, address):
    client, on = side
    urls = [f"http://{address}:8083{path}" for path in ("/healthz", "/data", "/healthz?deep=1")]
    with inject(on, "health", "--port", 8083, "--protocol", "http2", "--path", "/healthz", "--result", 500) as fault:
        assert upgraded(client, *urls) == ["2 500", "2 200", "2 500"]
        assert client.run("nghttp", "-u", "--no-dep", *urls).stdout == "ok" * 3
        assert upgraded(client, urls[1], urls[0]) == ["2 200", "2 500"]
        restored = fault.stop()
        assert (restored["hits"], restored["unseen"]) == (5, 0)
    assert upgraded(client, *urls) == ["2 200"] * 3


def test_a_check_whose_server_stays_with_http1_is_unseen_by_http2(side):
    client, on = side
    url = "http://10.77.0.2:8080/healthz"
    with inject(on, "health", "--port", 8080, "--protocol", "http2", "--path", "/healthz", "--result", 500) as fault:
        assert upgraded(client, url) == ["1.1 200"]
        restored = fault.stop()
        assert (restored["hits"], restored["unseen"]) == (0, 1)


@pytest.mark.parametrize(("result", "seen"), [("timeout", {28}), ("reset", {16, 56}), ("slow", {0})])
def test_a_check_that_upgrades_is_held_or_reset(side, result, seen):
    client, on = side
    delay = ["--delay", "400ms"] if result == "slow" else []
    with inject(on, "health", "--port", 8083, "--protocol", "http2", "--path", "/healthz", "--result", result, *delay) as fault:
        begin = time.monotonic()
        assert client.run("curl", "-s", "-m", 2, "--http2", "http://10.77.0.2:8083/healthz").returncode in seen
        assert result != "slow" or time.monotonic() - begin >= 0.4
        assert upgraded(client, "http://10.77.0.2:8083/data") == ["2 200"]
        assert fault.stop()["hits"] >= 1
