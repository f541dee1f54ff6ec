"""Health checks that lie, seen by real clients: the check is lied to, and nothing else is touched."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import Lab, die_with_parent, inject, sh

PYTHON = "/usr/bin/python3"
WEB = Path(__file__).resolve().parent / "web.py"
V4, V6 = "10.77.0.2", "[fd77:0::2]"
TIMED_OUT, RESET = 28, 56  # exit codes of curl


def serve(host, *ports):
    ports = ports or (8080,)
    host.start(PYTHON, WEB, *ports, stdout=subprocess.DEVNULL)
    for port in ports:
        host.wait_tcp("127.0.0.1", port)


def curl(host, url, *options, limit=5):
    """(exit code of curl, status, body)"""
    done = host.run("curl", "-sg", "-m", limit, "-w", "\\n%{http_code}", *options, url)
    body, _, status = done.stdout.rpartition("\n")
    return done.returncode, int(status), body


def status(host, url, *options):
    code, seen, _ = curl(host, url, *options)
    assert code == 0, f"curl {url}: {code}"
    return seen


def health(host, result, *options, **kw):
    return inject(host, "health", "--port", 8080, "--path", "/healthz", "--result", result, *options, **kw)


@pytest.fixture(scope="module", params=[True, False], ids=["offload", "no-offload"])
def served(isolated, request):
    """client and server, a web server on 8080 and 8081, both families reachable: one pair for all tests of this file."""
    lab = Lab()
    client, server = lab.pair(offload=request.param)
    serve(server, 8080, 8081)
    client.wait_tcp("10.77.0.2", 8080)
    client.wait_tcp("fd77:0::2", 8080)
    yield client, server
    lab.close()


@pytest.fixture(params=["checked", "checking"])
def side(request, served):
    """(client, server, the host that the fault is put on)"""
    client, server = served
    return client, server, server if request.param == "checked" else client


@pytest.mark.sanitize
def test_a_check_sees_the_status_and_nothing_else_does(side):
    client, _, target = side
    with health(target, 503) as fault:
        for address in (V4, V6):
            assert curl(client, f"http://{address}:8080/healthz") == (0, 503, "ok")
            assert status(client, f"http://{address}:8080/healthz?deep=1") == 503
            assert status(client, f"http://{address}:8080/healthz", "-I") == 503
            assert status(client, f"http://{address}:8080/healthz", "-d", "x=1", "-H", "Expect: 100-continue") == 503
            for other in ("8080/", "8080/healthzzz", "8080/health", "8081/healthz"):
                assert curl(client, f"http://{address}:{other}") == (0, 200, "ok"), other
        restored = fault.stop()
        assert (restored["hits"], restored["matched"], restored["unseen"]) == (8, 8, 0)
    assert status(client, f"http://{V4}:8080/healthz") == 200


@pytest.mark.parametrize("framing", ["", "&chunked=999"], ids=["length", "chunked"])
def test_a_large_answer_keeps_its_body_and_the_connection_goes_on(side, framing):
    client, _, target = side
    with health(target, 500) as fault:
        for address in (V4, V6):
            urls = [f"http://{address}:8080/{path}?size=500000{framing}" for path in ("healthz", "data", "healthz")]
            seen = client.run("curl", "-sg", "-m", 20, "-w", " %{http_code} %{num_connects}\n", *urls).stdout.split("\n")
            whole = ("500000." * 71429)[:500000]
            assert seen == [f"{whole} 500 1", f"{whole} 200 0", f"{whole} 500 0", ""]
        assert fault.stop()["hits"] == 4


def test_a_check_without_content_fails_on_a_connection_that_goes_on(side):
    client, _, target = side
    with inject(target, "health", "--port", 8080, "--path", "/none", "--result", 503) as fault:
        for address in (V4, V6):
            urls = [f"http://{address}:8080/{path}" for path in ("none", "data", "none")]
            seen = client.run("curl", "-sg", "-m", 5, "-w", "%{http_code} %{num_connects}\n", *urls).stdout.split("\n")
            assert seen == ["503 1", "ok200 0", "503 0", ""]
        assert fault.stop()["hits"] == 4


def test_only_the_agent_that_was_named(side):
    client, _, target = side
    with health(target, 503, "--agent", "kube-probe/*"):
        for address in (V4, V6):
            assert status(client, f"http://{address}:8080/healthz", "-A", "kube-probe/1.27") == 503
            assert status(client, f"http://{address}:8080/healthz") == 200


def test_a_timeout_hangs_the_check_only(side):
    client, _, target = side
    with health(target, "timeout") as fault:
        for address in (V4, V6):
            code, _, body = curl(client, f"http://{address}:8080/healthz", limit=0.7)
            assert (code, body) == (TIMED_OUT, "")
            assert status(client, f"http://{address}:8080/") == 200
        assert fault.stop()["hits"] == 2


def test_a_timeout_that_ends_lets_the_late_answer_through(served):
    client, server = served
    fault = health(server, "timeout")
    waiting = client.start("curl", "-s", "-m", "20", "-w", "%{http_code}", f"http://{V4}:8080/healthz")
    time.sleep(0.5)
    assert fault.stop()["hits"] == 1
    assert waiting.communicate(timeout=20)[0] == "ok200"


def test_a_reset_ends_the_check_only(side):
    client, server, target = side
    with health(target, "reset") as fault:
        for address in (V4, V6):
            for query in ("", "?size=500000"):
                code, _, body = curl(client, f"http://{address}:8080/healthz{query}")
                assert (code, body) == (RESET, ""), query
            assert status(client, f"http://{address}:8080/") == 200
        assert fault.stop()["hits"] == 4


@pytest.mark.parametrize("result", [503, "timeout", "reset"])
def test_on_loopback(lab, result):
    host = lab.host("host")
    sh("ip", "-n", host.name, "addr", "add", "10.9.9.9/32", "dev", "lo")
    serve(host)
    with health(host, result) as fault:
        for address in ("127.0.0.1", "[::1]", "10.9.9.9"):
            for query in ("", "?size=300000"):
                code, seen, _ = curl(host, f"http://{address}:8080/healthz{query}", limit=0.5 if result == "timeout" else 5)
                assert (code, seen) == {503: (0, 503), "timeout": (TIMED_OUT, 0), "reset": (RESET, 0)}[result]
            assert curl(host, f"http://{address}:8080/") == (0, 200, "ok")
        assert fault.stop()["hits"] == 6


KEEP_ALIVE = """
import http.client, json, sys
connection = http.client.HTTPConnection(sys.argv[1], 8080, timeout=10)
seen = []
for n in range(30):
    for path in ("/healthz", f"/data?size={n * 3000 + 1}"):
        connection.request("GET" if n % 2 else "POST", path, body=b"x" * (n * 100) if n % 2 == 0 else None)
        response = connection.getresponse()
        content = response.read()
        wanted = b"ok" if path == "/healthz" else (b"%d." % (n * 3000 + 1) * (n * 3000 + 1))[: n * 3000 + 1]
        seen.append([path == "/healthz", response.status, content == wanted])
print(json.dumps({"seen": seen}))
"""


def test_one_keep_alive_connection_carries_checks_and_data(side):
    client, _, target = side
    with health(target, 503) as fault:
        for address in ("10.77.0.2", "fd77:0::2"):
            done = client.run(PYTHON, "-c", KEEP_ALIVE, address)
            assert done.returncode == 0, done.stderr
            seen = json.loads(done.stdout)["seen"]
            assert seen == [[check, 503 if check else 200, True] for check in [True, False] * 30]
        assert fault.stop()["hits"] == 60


def test_a_cycle_by_count_is_exact(side):
    client, _, target = side
    with health(target, 503, "--cycle", "fail=3,pass=2") as fault:
        for address in (V4, V6):
            seen = [status(client, f"http://{address}:8080/healthz") for _ in range(10)]
            assert seen == [503, 503, 503, 200, 200] * 2
        assert fault.stop()["hits"] == 12


def test_a_cycle_by_time_pauses(lab):
    host = lab.host("host")
    serve(host)
    with health(host, 503, "--cycle", "on=1s,off=1s"):
        seen = []
        until = time.monotonic() + 3.5
        while time.monotonic() < until:
            seen.append(status(host, "http://127.0.0.1:8080/healthz"))
            time.sleep(0.05)
        runs = [seen[0]] + [b for a, b in zip(seen, seen[1:]) if a != b]
        assert runs == [503, 200, 503, 200]


def test_a_retransmitted_answer_is_rewritten_alike(side):
    client, _, target = side
    rules = "add table inet t; add chain inet t in { type filter hook input priority 0; }; "
    rules += "add rule inet t in tcp sport 8080 meta length > 120 counter drop"
    for address in (V4, V6):
        with health(target, 503) as fault:
            client.run("nft", rules, check=True)
            waiting = client.start("curl", "-sg", "-m", "20", "-w", "%{http_code}", f"http://{address}:8080/healthz")
            until = time.monotonic() + 10
            while lost(client) < 2:
                assert time.monotonic() < until, "nothing was retransmitted"
                time.sleep(0.05)
            client.run("nft", "delete table inet t", check=True)
            assert waiting.communicate(timeout=20)[0] == "ok503"
            assert fault.stop()["hits"] == 1


def lost(host):
    rules = json.loads(host.run("nft", "-j", "list", "table", "inet", "t", check=True).stdout)["nftables"]
    return sum(e["counter"]["packets"] for r in rules if "rule" in r for e in r["rule"]["expr"] if "counter" in e)


MANY = """
import asyncio, sys
async def one(n):
    reader, writer = await asyncio.open_connection("10.77.0.2", 8080)
    for turn in range(5):
        size = n * 100 + turn
        writer.write(f"GET /data?size={size} HTTP/1.1\\r\\nHost: web\\r\\n\\r\\n".encode())
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        assert await reader.readexactly(size) == (b"%d." % size * (size + 1))[:size]
    writer.close()
async def main():
    await asyncio.gather(*(one(n) for n in range(200)))
asyncio.run(main())
"""


@pytest.mark.parametrize("result", [503, "timeout", "reset"])
def test_two_hundred_data_connections_go_on_beside_the_checks(served, result):
    client, server = served
    with health(server, result) as fault:
        data = client.start(PYTHON, "-c", MANY)
        checks = 0
        while data.poll() is None:
            curl(client, f"http://{V4}:8080/healthz", limit=0.5)
            checks += 1
        assert data.returncode == 0, data.stdout.read()
        assert fault.stop()["hits"] == checks > 0


def test_only_the_checkers_in_from(served):
    client, server = served
    sh("ip", "-n", client.name, "addr", "add", "10.77.0.9/24", "dev", "eth0")
    with health(server, 503, "--from", "10.77.0.9", "--from", "fd77::/64"):
        assert status(client, f"http://{V4}:8080/healthz", "--interface", "10.77.0.9") == 503
        assert status(client, f"http://{V4}:8080/healthz", "--interface", "10.77.0.1") == 200
        assert status(client, f"http://{V6}:8080/healthz") == 503


def test_on_a_router_between(lab):
    client, router, server = lab.host("client"), lab.host("router"), lab.host("server")
    lab.wire(client, router, net=1)
    lab.wire(router, server, net=2, a_if="eth1")
    router.sysctl("net.ipv4.ip_forward", 1)
    router.sysctl("net.ipv6.conf.all.forwarding", 1)
    for host, far, via in ((client, 2, "10.77.1.2 fd77:1::2"), (server, 1, "10.77.2.1 fd77:2::1")):
        v4, v6 = via.split()
        sh("ip", "-n", host.name, "route", "add", f"10.77.{far}.0/24", "via", v4)
        sh("ip", "-n", host.name, "route", "add", f"fd77:{far}::/64", "via", v6)
    serve(server)
    client.wait_tcp("10.77.2.2", 8080)
    client.wait_tcp("fd77:2::2", 8080)
    for result, expected in ((503, (0, 503, "ok")), ("reset", (RESET, 0, ""))):
        with health(router, result) as fault:
            for address in ("10.77.2.2", "[fd77:2::2]"):
                assert curl(client, f"http://{address}:8080/healthz") == expected
                assert status(client, f"http://{address}:8080/") == 200
            restored = fault.stop()
            assert (restored["hits"], restored["matched"]) == (2, 2)


HAPROXY = """
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  default-server inter 100ms fall 3 rise 2
listen web
  bind :80
  option httpchk
  server web 10.77.0.2:8080 check
"""


def test_haproxy_takes_the_backend_out_and_back(side, tmp_path):
    client, _, target = side
    (tmp_path / "haproxy.cfg").write_text(HAPROXY)
    client.start("haproxy", "-db", "-f", tmp_path / "haproxy.cfg", stdout=subprocess.DEVNULL)
    client.wait_tcp("127.0.0.1", 80)

    def until(wanted):
        end = time.monotonic() + 10
        while status(client, "http://127.0.0.1/data") != wanted:
            assert time.monotonic() < end, f"HAProxy never answered {wanted}"
            time.sleep(0.05)

    until(200)
    # its check is exactly "OPTIONS / HTTP/1.0", without a header; customers ask for /data
    with inject(target, "health", "--port", 8080, "--path", "/", "--result", 503) as fault:
        until(503)
        assert curl(client, f"http://{V4}:8080/data") == (0, 200, "ok")
        assert fault.stop()["hits"] >= 3
    until(200)


def in_cgroup(group, *argv):
    """To be run from outside of `ip netns exec`, which hides /sys/fs/cgroup."""
    return ["sh", "-ec", 'echo $$ > "$0"; exec "$@"', group / "cgroup.procs", *argv]


@pytest.fixture
def group():
    with open("/proc/self/mountinfo") as mounts:
        mount = next((line.split()[4] for line in mounts if " - cgroup2 " in line), None)
    if mount is None:
        pytest.skip("no cgroup v2 mount")
    made = Path(mount) / f"blackstart-test-{os.getpid()}"
    made.mkdir()
    yield made
    until = time.monotonic() + 5
    while made.exists() and time.monotonic() < until:
        try:
            made.rmdir()
        except OSError:
            time.sleep(0.05)


def test_a_cgroup_of_the_checker(served, group):
    client, server = served
    with health(client, 503, "--cgroup", group) as fault:
        for address in (V4, V6):
            url = f"http://{address}:8080/healthz"
            inside = sh(*in_cgroup(group, *client.argv("curl", "-sg", "-m", "5", "-w", "%{http_code}", url)))
            assert inside.stdout == "ok503"
            assert status(client, url) == 200
        assert fault.stop()["hits"] == 2


def test_a_cgroup_of_the_checked_service(served, group):
    client, server = served
    service = subprocess.Popen(in_cgroup(group, *server.argv(PYTHON, WEB, 9090)), preexec_fn=die_with_parent)
    client.wait_tcp("10.77.0.2", 9090)
    options = ("--port", 9090, "--port", 8080, "--result", 503, "--cgroup", group, "--cycle", "fail=1,pass=1")
    with inject(server, "health", *options) as fault:
        for address in (V4, V6):
            assert [status(client, f"http://{address}:9090/healthz") for _ in range(4)] == [503, 200] * 2
            assert status(client, f"http://{address}:8080/healthz") == 200
        restored = fault.stop()
        assert (restored["hits"], restored["matched"]) == (4, 8)
    service.kill()
    service.wait()


def test_killed_it_is_gone_at_once_and_stopped_it_is_inert_after_its_lease(lab):
    host = lab.host("host")
    serve(host)
    url = "http://127.0.0.1:8080/healthz"
    with health(host, 503) as fault:
        assert status(host, url) == 503
        fault.stop(signal.SIGKILL)
        assert status(host, url) == 200
    with health(host, 503) as fault:
        assert status(host, url) == 503
        fault.process.send_signal(signal.SIGSTOP)
        time.sleep(2.3)
        assert status(host, url) == 200
        fault.process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        assert status(host, url) == 200  # a lapse is final


def test_the_namespace_is_not_pinned(lab):
    client, server = lab.pair()
    with health(server, 503):
        sh("ip", "netns", "del", server.name)
        until = time.monotonic() + 5
        while client.run("ip", "link", "show", "eth0").returncode == 0:
            assert time.monotonic() < until, "the fault keeps a deleted namespace alive"
            time.sleep(0.05)


@pytest.mark.parametrize("result", [101, 204, 304, 600, "teapot"])
def test_what_cannot_be_shown_is_refused(lab, result):
    host = lab.host("host")
    fault = health(host, result, wait=False)
    assert fault.process.wait(10) == 2
    assert str(result) in fault.process.stderr.read()
