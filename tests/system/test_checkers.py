"""Real checkers: each says down within interval x fall + timeout, and up again after the fault, and the data path serves throughout.

Bounds are those of the checkers, with room for a busy machine."""

import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from haproxy import Haproxy
from inside import inside
from lab import Lab, inject, sh
from log import Log

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
        location / {{ return 200 "ok"; }}
    }}
    server {{
        listen 8443 ssl;
        listen 8444 ssl;  # asked by no checker
        ssl_certificate {dir}/cert.pem;
        ssl_certificate_key {dir}/key.pem;
        location / {{ return 200 "ok"; }}
    }}
}}
"""

BACKENDS = """
backend http
    option httpchk
    server one 10.77.0.2:8080 check
backend http2
    mode http
    option httpchk
    http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host web.test
    server one 10.77.0.2:8082 check proto h2
backend postgresql
    option pgsql-check user checker
    server one 10.77.0.2:5432 check
backend mysql
    option mysql-check user checker
    server one 10.77.0.2:3306 check
backend greeting
    option mysql-check
    server one 10.77.0.2:3306 check source 10.77.0.3
backend agent
    server one 10.77.0.2:8080 check agent-check agent-port 9101 agent-inter 200ms
backend weight
    server one 10.77.0.2:8080 weight 100 check agent-check agent-port 9102 agent-inter 200ms
backend tls
    option httpchk
    server one 10.77.0.2:8443 check check-ssl check-sni health.test verify none
frontend data
    bind 127.0.0.1:9000
    default_backend http
"""


@pytest.fixture(scope="module")
def served(isolated, tmp_path_factory):
    lab = Lab()
    folder = tmp_path_factory.mktemp("checked")
    (folder / "nginx.conf").write_text(NGINX.format(dir=folder))
    sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=health.test",
       "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    client, server = lab.pair()
    sh("ip", "-n", client.name, "addr", "add", "10.77.0.3/24", "dev", "eth0")  # of a checker that only its source tells
    server.start(PYTHON, HERE / "web.py", 8080, stdout=subprocess.DEVNULL)
    server.start(PYTHON, HERE / "databases.py", stdout=subprocess.DEVNULL)
    server.start("nginx", "-p", folder, "-c", folder / "nginx.conf", stdout=subprocess.DEVNULL)
    for port in (8080, 8082, 8443, 8444, 5432, 3306, 9101, 9102):
        client.wait_tcp("10.77.0.2", port)
    yield client, server
    lab.close()


@pytest.fixture(scope="module")
def haproxy(served, tmp_path_factory):
    client, _ = served
    checking = Haproxy(client, tmp_path_factory.mktemp("haproxy"), BACKENDS)
    yield checking
    checking.close()


def serves(client):
    assert client.run("curl", "-s", "-m", 3, "http://10.77.0.2:8080/data").stdout == "ok"
    with inside(client), socket.create_connection(("10.77.0.2", 5432), 3) as session:
        # A session with a database, as every client but a check has one.
        startup = b"\0\3\0\0user\0app\0database\0shop\0\0"
        session.sendall((len(startup) + 4).to_bytes(4, "big") + startup)
        assert session.recv(100).startswith(b"R\0\0\0\x08\0\0\0\0")
    with inside(client), socket.create_connection(("10.77.0.2", 3306), 3) as session:
        assert session.recv(4096)[4] == 10
        login = b"\x85\xa6\x3f\x20\0\0\0\1\x21" + bytes(23) + b"app\0\0"
        session.sendall(len(login).to_bytes(3, "little") + b"\1" + login)
        assert session.recv(100)[4] == 0


CASES = {
    "http 503": ("http", ["--port", 8080, "--path", "/", "--result", 503]),
    "http slow": ("http", ["--port", 8080, "--path", "/", "--result", "slow", "--delay", "1s"]),
    "http2 500": ("http2", ["--port", 8082, "--protocol", "http2", "--path", "/healthz", "--result", 500]),
    "http2 timeout": ("http2", ["--port", 8082, "--protocol", "http2", "--path", "/healthz", "--result", "timeout"]),
    "http2 slow": ("http2", ["--port", 8082, "--protocol", "http2", "--path", "/healthz", "--result", "slow", "--delay", "1s"]),
    "postgresql error": ("postgresql", ["--port", 5432, "--protocol", "postgresql", "--result", "not-serving"]),
    "postgresql timeout": ("postgresql", ["--port", 5432, "--protocol", "postgresql", "--result", "timeout"]),
    "postgresql slow": ("postgresql", ["--port", 5432, "--protocol", "postgresql", "--result", "slow", "--delay", "1s"]),
    "mysql error": ("mysql", ["--port", 3306, "--protocol", "mysql", "--result", "not-serving"]),
    "mysql reset": ("mysql", ["--port", 3306, "--protocol", "mysql", "--result", "reset"]),
    "mysql without a user, timeout": ("greeting", ["--port", 3306, "--protocol", "tcp", "--from", "10.77.0.3", "--result", "timeout"]),
    "mysql without a user, reset": ("greeting", ["--port", 3306, "--protocol", "tcp", "--from", "10.77.0.3", "--result", "reset"]),
    "mysql without a user, slow": ("greeting", ["--port", 3306, "--protocol", "tcp", "--from", "10.77.0.3", "--result", "slow", "--delay", "1s"]),
    "tls timeout": ("tls", ["--port", 8443, "--sni", "Health.test", "--result", "timeout"]),
    "tls reset": ("tls", ["--port", 8443, "--sni", "*.test", "--result", "reset"]),
    "tls slow": ("tls", ["--port", 8443, "--sni", "health.test", "--result", "slow", "--delay", "1s"]),
}


# fall x (interval + timeout) is 1.5 s.
@pytest.mark.parametrize("side", ["checked", "checking"])
@pytest.mark.parametrize("case", CASES)
def test_haproxy_says_down_and_up_again(served, haproxy, case, side):
    client, server = served
    backend, words = CASES[case]
    haproxy.until(backend, "UP")
    with inject(server if side == "checked" else client, "health", *words) as fault:
        haproxy.until(backend, "DOWN")
        serves(client)
        assert fault.stop()["hits"] >= 1  # of the three to fall: others a busy machine may not have answered in time
    haproxy.until(backend, "UP")


@pytest.mark.parametrize("case", ["http2 500", "postgresql error", "mysql error", "mysql without a user, reset", "tls reset"])
def test_haproxy_keeps_a_server_that_fails_once_less_than_it_takes(served, haproxy, case):
    _, server = served
    backend, words = CASES[case]
    haproxy.until(backend, "UP")
    with inject(server, "health", *words, "--cycle", "fail=2,pass=2") as fault:
        haproxy.stays(backend, "UP", 4)
        assert fault.stop()["hits"] >= 4


@pytest.mark.parametrize("side", ["checked", "checking"])
def test_haproxy_believes_what_its_agent_seems_to_say(served, haproxy, side):
    client, server = served
    haproxy.until("agent", "UP")
    with inject(server if side == "checked" else client, "health", "--port", 9101, "--protocol", "agent-check", "--result", "not-serving") as fault:
        haproxy.until("agent", "DOWN")  # an agent's word counts at once
        haproxy.stays("agent", "DOWN", 1)
        said = haproxy.server("agent")  # "* ": a check is on its way
        assert [said[of].removeprefix("* ") for of in ("check_status", "agent_status")] == ["L4OK", "L7STS"]
        serves(client)
        restored = fault.stop()
        assert restored["hits"] >= 3 and not restored["unseen"]
    haproxy.until("agent", "UP")


def test_haproxy_believes_the_weight_that_its_agent_seems_to_say(served, haproxy):
    _, server = served

    def until_weight(wanted):
        until = time.monotonic() + 6
        while haproxy.server("weight")["weight"] != wanted:
            assert time.monotonic() < until
            time.sleep(0.02)

    until_weight("75")
    with inject(server, "health", "--port", 9102, "--protocol", "agent-check", "--result", "not-serving"):
        until_weight("0")
    until_weight("75")


@pytest.mark.parametrize("result", ["timeout", "reset", "slow"])
def test_haproxy_takes_no_notice_of_an_agent_that_says_nothing(served, haproxy, result):
    _, server = served
    delay = ["--delay", "1s"] if result == "slow" else []
    haproxy.until("agent", "UP")
    with inject(server, "health", "--port", 9101, "--protocol", "agent-check", "--result", result, *delay) as fault:
        haproxy.stays("agent", "UP", 3)
        assert haproxy.server("agent")["agent_status"].lstrip("* ") in ("L7TOUT", "SOCKERR", "L7RSP")
        assert fault.stop()["hits"] >= 3
    haproxy.until("agent", "UP")


def test_a_server_under_another_name_is_not_reset(served):
    client, server = served
    with inject(server, "health", "--port", 8443, "--sni", "health.test", "--result", "reset"):
        def code(name):
            return client.run("curl", "-sk", "-m", 3, "--resolve", f"{name}:8443:10.77.0.2", f"https://{name}:8443/").returncode
        assert [code("health.test"), code("shop.test"), code("xhealth.test")] == [35, 0, 0]


def test_a_server_name_is_told_in_any_case(served):
    client, server = served
    ask = ["openssl", "s_client", "-connect", "10.77.0.2:8443", "-servername"]
    with inject(server, "health", "--port", 8443, "--sni", "health.test", "--result", "reset"):
        assert client.run(*ask, "shop.test", stdin=subprocess.DEVNULL).returncode == 0
        assert client.run(*ask, "HEALTH.Test", stdin=subprocess.DEVNULL).returncode != 0


@pytest.mark.parametrize("words", [["health", "--path", "/healthz", "--result", 503], ["http", "--status", 503],
                                   ["health", "--protocol", "grpc", "--result", "not-serving"]], ids=["health", "http", "grpc"])
def test_what_cannot_be_read_under_tls_is_said(served, words):
    client, server = served
    for said in (True, False):
        with inject(server, *words, "--port", 8444, json_output=False, wait=False) as fault:
            assert fault.process.stdout.readline().startswith("armed")
            if said:
                for _ in range(2):
                    assert client.run("curl", "-sk", "-m", 3, "https://10.77.0.2:8444/healthz").stdout == "ok"
            fault.process.terminate()
            assert ("2 connections under TLS could not be read" in fault.process.communicate()[0]) == said


AGENTS = {
    "ELB-HealthChecker/2.0": "ELB-HealthChecker/2.0",
    "Amazon-Route53-Health-Check-Service*": "Amazon-Route53-Health-Check-Service (ref 8a2d0f3e-0001; report http://amzn.to/1vsZADi)",
    "kube-probe/*": "kube-probe/1.27",
    "GoogleHC/*": "GoogleHC/1.0",
    "Envoy/HC": "Envoy/HC",
    "Consul Health Check": "Consul Health Check",
    "KeepAliveClient": "KeepAliveClient",
    "Load Balancer Agent": "Load Balancer Agent",
}


@pytest.mark.parametrize("pattern", AGENTS)
def test_only_the_checker_that_its_agent_names_is_lied_to(served, pattern):
    client, server = served
    version = "--http1.0" if pattern == "KeepAliveClient" else "--http1.1"

    def codes(agent):
        urls = ["http://10.77.0.2:8080/healthz", "http://10.77.0.2:8080/data"]
        return client.run("curl", "-s", "-o", "/dev/null", "-o", "/dev/null", version, "-m", 3, "-A", agent, "-w", "%{http_code} ", *urls).stdout.split()

    with inject(server, "health", "--port", 8080, "--path", "/healthz", "--agent", pattern, "--result", 503) as fault:
        assert codes(AGENTS[pattern]) == ["503", "200"]
        assert codes("Mozilla/5.0") == ["200", "200"]
        assert fault.stop()["hits"] == 1
    assert codes(AGENTS[pattern]) == ["200", "200"]


PROXY = """
user root;
daemon off;
pid {dir}/proxy.pid;
error_log stderr crit;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    upstream web {{
        server 10.77.0.2:8080 max_fails=3 fail_timeout=2s;
        server 10.77.0.2:8081 max_fails=3 fail_timeout=2s;
    }}
    server {{
        listen 127.0.0.1:80;
        location / {{
            proxy_pass http://web;
            proxy_next_upstream error timeout http_503;
            add_header Served-By $upstream_addr always;
        }}
    }}
}}
"""


def test_nginx_gives_up_a_server_whose_answers_fail_and_takes_it_back(served, tmp_path):
    client, server = served
    server.start(PYTHON, HERE / "web.py", 8081, stdout=subprocess.DEVNULL)
    client.wait_tcp("10.77.0.2", 8081)
    (tmp_path / "proxy.conf").write_text(PROXY.format(dir=tmp_path))
    proxy = client.start("nginx", "-p", tmp_path, "-c", tmp_path / "proxy.conf", stdout=subprocess.DEVNULL)
    client.wait_tcp("127.0.0.1", 80)

    def served_by(count):
        said = client.run("curl", "-si", "-m", 20, *["http://127.0.0.1/data"] * count).stdout
        assert said.count("HTTP/1.1 200") == count, "a customer was told an error"
        return re.findall(r"Served-By: (.*)", said)

    assert len(set(served_by(10))) == 2
    with inject(server, "http", "--port", 8080, "--status", 503) as fault:
        addresses = served_by(200)
        assert addresses[-100:].count("10.77.0.2:8081") >= 96  # asked again now and then, when its time is over
        assert 3 <= fault.stop()["hits"] < 60
    until = time.monotonic() + 10
    while served_by(20).count("10.77.0.2:8080") < 8:
        assert time.monotonic() < until, "nginx never takes the server back"
        time.sleep(0.2)
    with inject(server, "http", "--port", 8080, "--status", 503, "--cycle", "fail=2,pass=1000000") as fault:
        addresses = served_by(40)
        assert fault.stop()["hits"] == 2 and addresses[-20:].count("10.77.0.2:8080") >= 8, "two failures of three give nobody up"
    proxy.kill()
    proxy.wait()


@pytest.fixture
def dnsdist(tmp_path):
    lab = Lab()
    client, server = lab.pair()
    server.start("dnsmasq", "-d", "-u", "root", "--no-resolv", "--no-hosts", "--address=/db.test/10.1.2.3", "--address=/root-servers.net/198.41.0.4")
    config = tmp_path / "dnsdist.conf"
    config.write_text(
        'setLocal("127.0.0.1:5300")\nsetSecurityPollSuffix("")\n'
        'newServer({address="10.77.0.2:53", name="one", checkInterval=1, maxCheckFailures=2, rise=1, checkTimeout=500})\n'
    )
    log = Log(client.start("dnsdist", "-C", config, "--supervised"))
    log.until("'up'")
    yield client, server, log
    lab.close()


@pytest.mark.parametrize("side", ["checked", "checking"])
@pytest.mark.parametrize("result", ["not-serving", "timeout"])
def test_dnsdist_says_down_and_up_again(dnsdist, result, side):
    client, server, log = dnsdist
    with inject(server if side == "checked" else client, "health", "--port", 53, "--protocol", "dns", "--result", result) as fault:
        log.until("'down'")
        assert client.run("dig", "+short", "@10.77.0.2", "db.test").stdout == "10.1.2.3\n"
        assert fault.stop()["hits"] >= 2
    log.until("'up'")


def test_dnsdist_keeps_a_server_that_fails_once_less_than_it_takes(dnsdist):
    _, server, log = dnsdist
    with inject(server, "health", "--port", 53, "--protocol", "dns", "--result", "not-serving", "--cycle", "fail=1,pass=1") as fault:
        time.sleep(5)
        assert fault.stop()["hits"] >= 2
    assert "'down'" not in log.read()
