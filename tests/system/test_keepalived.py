"""keepalived as a load balancer: it takes a server out whose check fails, by HTTP_GET or TCP_CHECK, and puts it back."""

import subprocess
import time
from pathlib import Path

import pytest

from inside import inside
from lab import Lab, inject, sh
from log import Log

PYTHON = "/usr/bin/python3"
HERE = Path(__file__).resolve().parent

# Three failures in a row take a server out: the first, and two more tries.
CONFIG = """
global_defs {
    checker_log_all_failures true
}
virtual_server 10.77.0.50 80 {
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    real_server 10.77.0.2 8080 {
        HTTP_GET {
            url {
                path /healthz
                status_code 200
            }
            connect_timeout 1
            retry 2
            delay_before_retry 0.3
        }
    }
    real_server 10.77.0.2 8081 {
        TCP_CHECK {
            connect_timeout 1
            retry 2
            delay_before_retry 0.3
        }
    }
}
"""

CASES = {
    "HTTP_GET told 503": (8080, ["--path", "/healthz", "--result", 503]),
    "HTTP_GET never answered": (8080, ["--path", "/healthz", "--agent", "KeepAliveClient", "--result", "timeout"]),
    "TCP_CHECK never answered": (8081, ["--protocol", "tcp", "--from", "10.77.0.1", "--result", "timeout"]),
    "TCP_CHECK reset": (8081, ["--protocol", "tcp", "--from", "10.77.0.1", "--result", "reset"]),
}


@pytest.fixture(scope="module")
def balanced(isolated, tmp_path_factory):
    """server, in_use(port): whether the balancer on the client's host sends customers to that port of it"""
    if sh("modprobe", "ip_vs", check=False).returncode != 0 and not Path("/proc/net/ip_vs").exists():
        pytest.skip("this kernel has no ip_vs, which keepalived's HTTP_GET and TCP_CHECK need: scripts/vmtest bookworm runs this")
    lab = Lab()
    client, server = lab.pair()
    sh("ip", "-n", server.name, "addr", "add", "10.77.0.3/24", "dev", "eth0")
    server.start(PYTHON, HERE / "web.py", 8080, 8081, stdout=subprocess.DEVNULL)
    for port in (8080, 8081):
        client.wait_tcp("10.77.0.2", port, 120)
    folder = tmp_path_factory.mktemp("keepalived")
    (folder / "keepalived.conf").write_text(CONFIG)
    log = Log(client.start("keepalived", "-n", "-l", "-D", "-C", "-f", folder / "keepalived.conf", "-p", folder / "pid", "-c", folder / "checkers"))

    def in_use(port):
        with inside(client):
            table = Path("/proc/thread-self/net/ip_vs").read_text()
        return f"0A4D0002:{port:04X}" in table

    # A first check that fails takes its server out at once: both are to have passed before.
    until = time.monotonic() + 60
    while not (in_use(8080) and in_use(8081) and "8080 succeed" in log.read() and "8081 success" in log.read()):
        assert time.monotonic() < until, log.read()
        time.sleep(0.1)
    yield client, server, in_use, log
    lab.close()


def until_used(balanced, port, wanted, bound=30):
    *_, in_use, log = balanced
    until = time.monotonic() + bound
    while in_use(port) != wanted:
        assert time.monotonic() < until, log.read()
        time.sleep(0.05)


@pytest.mark.parametrize("case", CASES)
def test_a_server_is_taken_out_and_put_back(balanced, case):
    client, server, in_use, _ = balanced
    port, words = CASES[case]
    with inject(server, "health", "--port", port, *words) as fault:
        until_used(balanced, port, False)
        assert in_use(8080 + 8081 - port)
        assert client.run("curl", "-s", "-m", 10, f"http://10.77.0.3:{port}/data" if port == 8080 else "http://10.77.0.2:8080/data").stdout == "ok"
        assert fault.stop()["hits"] >= 3
    until_used(balanced, port, True)


@pytest.mark.parametrize("case", ["HTTP_GET told 503", "TCP_CHECK reset"])
def test_a_server_stays_that_fails_once_less_than_it_takes(balanced, case):
    _, server, in_use, log = balanced
    port, words = CASES[case]
    with inject(server, "health", "--port", port, *words, "--cycle", "fail=2,pass=1") as fault:
        until = time.monotonic() + 8
        while time.monotonic() < until:
            assert in_use(port), log.read()
            time.sleep(0.05)
        assert fault.stop()["hits"] >= 3
