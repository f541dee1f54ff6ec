#!/usr/bin/python3
"""What lying checks cost the data beside them: wrk through HAProxy to two nginx servers, in namespaces of their own.

  armed     the fault on both servers, hit by one check a second each, against none: requests/s and p99
  liar      a HAProxy in front of each server that answers checks with 503 and passes the rest on, against none
  checks    every request a check, on one server: how many a second, and how many were missed

Each is compared within a round of none, armed and liar; the median of the rounds is printed, with the goals. BENCH_SECONDS (3) is the
length of one load.
"""

import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402

SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
ROUNDS = 5
FAULT = ["health", "--port", 8080, "--path", "/healthz", "--result", 503]

NGINX = """
user root;
daemon off;
pid {dir}/{name}.pid;
error_log stderr crit;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {dir}/{name}.body;
    proxy_temp_path {dir}/{name}.proxy;
    fastcgi_temp_path {dir}/{name}.fastcgi;
    uwsgi_temp_path {dir}/{name}.uwsgi;
    scgi_temp_path {dir}/{name}.scgi;
    server {{ listen 8080; location / {{ return 200 "ok"; }} }}
}}
"""
BALANCER = """
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
frontend direct
    bind :80
    use_backend b8080
frontend through_liars
    bind :81
    use_backend b8081
backend b8080
    server one 10.77.1.2:8080
    server two 10.77.2.2:8080
backend b8081
    server one 10.77.1.2:8081
    server two 10.77.2.2:8081
"""
LIAR = """
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
frontend liar
    bind :8081
    http-request return status 503 if { path /healthz }
    default_backend service
backend service
    server service 127.0.0.1:8080
"""
CHECKS = "while :; do curl -s -o /dev/null http://10.77.1.2:{port}/healthz http://10.77.2.2:{port}/healthz; sleep 1; done"


def wrk(host, url, connections=64):
    """(requests a second, p99 in ms, requests, those that were not answered 2xx or 3xx)"""
    said = host.run("wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", url, timeout=SECONDS + 30).stdout
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return (
        float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
        float(p99) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit],
        int(re.search(r"(\d+) requests in", said)[1]),
        int(refused[1]) if refused else 0,
    )


@contextlib.contextmanager
def stage():
    lab.isolate()
    made = lab.Lab()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        client, balancer = made.pair()
        servers = [made.host("web1"), made.host("web2")]
        (folder / "balancer").write_text(BALANCER)
        (folder / "liar").write_text(LIAR)
        for n, server in enumerate(servers, 1):
            made.wire(balancer, server, net=n, a_if=f"web{n}")
            (folder / f"nginx{n}").write_text(NGINX.format(dir=folder, name=n))
            server.start("nginx", "-p", folder, "-c", folder / f"nginx{n}", stdout=subprocess.DEVNULL)
            server.start("haproxy", "-db", "-f", folder / "liar", stdout=subprocess.DEVNULL)
            balancer.wait_tcp(f"10.77.{n}.2", 8080)
            balancer.wait_tcp(f"10.77.{n}.2", 8081)
        balancer.start("haproxy", "-db", "-f", folder / "balancer", stdout=subprocess.DEVNULL)
        client.wait_tcp("10.77.0.2", 80)
        try:
            yield client, balancer, servers
        finally:
            made.close()


@contextlib.contextmanager
def checked(balancer, port):
    child = balancer.start("sh", "-c", CHECKS.format(port=port), stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.kill()
        child.wait()


def rounds(client, balancer, servers):
    """{"armed" and "liar": [(requests/s, p99), as shares of those without]}"""
    shares, hits = {"armed": [], "liar": []}, []
    for n in range(ROUNDS):
        seen = {}
        for what in (("none", "armed", "liar"), ("armed", "liar", "none"), ("liar", "none", "armed"))[n % 3]:
            with contextlib.ExitStack() as stack:
                stack.enter_context(checked(balancer, 8081 if what == "liar" else 8080))
                faults = [stack.enter_context(lab.inject(server, *FAULT)) for server in servers if what == "armed"]
                seen[what] = wrk(client, "http://10.77.0.2/data" if what != "liar" else "http://10.77.0.2:81/data")
                hits = [fault.stop()["hits"] for fault in faults] or hits
        base, armed, liar = seen["none"], seen["armed"], seen["liar"]
        assert min(hits) > 0, "no check was hit"
        assert armed[3] == 0, "data was answered with an error"
        for name in shares:
            shares[name].append((seen[name][0] / base[0], seen[name][1] / base[1]))
        print(f"  none {base[0]:,.0f}/s, p99 {base[1]:.2f} ms · armed {armed[0]:,.0f}/s, {armed[1]:.2f} ms · liar {liar[0]:,.0f}/s, {liar[1]:.2f} ms")
    return shares


def main():
    with stage() as (client, balancer, servers):
        print(f"Data beside lying checks: wrk, 64 connections, HAProxy, two nginx servers; {ROUNDS} rounds of {SECONDS} s")
        shares = rounds(client, balancer, servers)
        for name, goal in (("armed", " (goals: at least 0.97, at most 1.1)"), ("liar", "")):
            rate, p99 = (statistics.median(values) for values in zip(*shares[name]))
            print(f"{name}: requests/s {rate:.3f} of those without, p99 {p99:.3f}{goal}")
        with lab.inject(servers[0], *FAULT) as fault:
            rate, p99, requests, refused = wrk(balancer, "http://10.77.1.2:8080/healthz")
            restored = fault.stop()
        print(f"checks: {rate:,.0f} changed a second (goal: 10,000 and none missed): {requests - refused} of {requests:,} missed, p99 {p99:.2f} ms; "
              f"{restored['unseen']} unseen")


main()
