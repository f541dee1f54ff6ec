"""Crash-only (laws 1 to 3): SIGKILL at any moment leaves nothing, SIGSTOP makes a fault inert once its lease is over.

Each round proves that the fault is in force, strikes at a random moment, proves that the fault is gone, and compares the
host with what it was. Bounds are for a busy machine; the times that were measured are printed.
"""

import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import time
from pathlib import Path

import pytest

from inside import dns_answers, grpc_health, http_status, inside, udp
from lab import BLACKSTART, Injected, Lab, die_with_parent, inject
from whole import Held, difference, settled, snapshot, wait_equal

PYTHON = "/usr/bin/python3"
HERE = Path(__file__).resolve().parent
KILLS = int(os.environ.get("BLACKSTART_ROUNDS", 12))
STOPS = int(os.environ.get("BLACKSTART_STOPS", 6))
LEASE = 2.0
BOUND = 5.0  # seconds, for what takes milliseconds on an idle machine
V4, V6 = "10.77.0.2", "fd77:0::2"
DELAY = 0.15


def slow(host, address):
    answer, seconds = udp(host, address, 7777, b"echo", 2)
    return answer is not None and seconds > DELAY


def quick(host, address):
    answer, _ = udp(host, address, 7777, b"echo", DELAY / 4)
    return answer is not None


def loopback_sysctls(host):
    with inside(host):
        return [Path(f"/proc/sys/net/ipv4/conf/lo/{key}").read_text().strip() for key in ("route_localnet", "accept_local")]


class Scene:
    """A fault, how one sees that it is in force, and how one sees that it is not."""

    # guarded: two sysctls are journalled; watched: a guardian ends a process that stops, though there is nothing in the kernel
    def __init__(self, name, argv, faulty, clean, guarded=False, watched=False):
        self.name, self.argv, self.faulty, self.clean, self.guarded, self.watched = name, argv, faulty, clean, guarded, watched

    def __repr__(self):
        return self.name


def latency(name, address, *where, guarded=False):
    argv = ["latency", "--to", address, "--protocol", "udp", "--port", 7777, "--delay", f"{int(DELAY * 1000)}ms", *where]
    return Scene(name, argv, lambda c, s: slow(c, address), lambda c, s: quick(c, address), guarded)


def dns(name, server):
    return Scene(
        name,
        ["dns", "--name", "db.test", "--answer", "empty"],
        lambda c, s: dns_answers(c, server, "db.test") == 0,
        lambda c, s: dns_answers(c, server, "db.test", timeout=0.5) == 1,
    )


def health(name, server):
    return Scene(
        name,
        ["health", "--port", 8080, "--path", "/healthz", "--result", 503],
        lambda c, s: http_status(c, server, 8080, "/healthz") == 503,
        lambda c, s: http_status(c, server, 8080, "/healthz", 0.5) == 200,
    )


def grpc(name, server):
    return Scene(
        name,
        ["health", "--port", 50051, "--protocol", "grpc", "--result", "not-serving"],
        lambda c, s: grpc_health(c, server, 50051) == 2,
        lambda c, s: grpc_health(c, server, 50051, 0.5) == 1,
    )


def http(name, server):
    return Scene(
        name,
        ["http", "--port", 8080, "--path", "/shop", "--status", 502],
        lambda c, s: http_status(c, server, 8080, "/shop") == 502,
        lambda c, s: http_status(c, server, 8080, "/shop", 0.5) == 200,
    )


def slow_health(name, server, *where, guarded=False):
    def seconds(host, limit):
        begin = time.monotonic()
        seen = http_status(host, server, 8080, "/healthz", limit)
        return time.monotonic() - begin if seen == 200 else 0

    argv = ["health", "--port", 8080, "--path", "/healthz", "--result", "slow", "--delay", f"{int(DELAY * 1000)}ms", *where]
    return Scene(name, argv, lambda c, s: seconds(c, 2) > DELAY, lambda c, s: 0 < seconds(c, 2) < DELAY, guarded)


def paused(name):
    """The echo server of the client's host: the only Python there."""
    python = Path(PYTHON).resolve()
    return Scene(
        name,
        ["process", "--exe", python, "--action", "pause"],
        lambda c, s: udp(c, "127.0.0.1", 7777, b"echo", DELAY)[0] is None,
        lambda c, s: udp(c, "127.0.0.1", 7777, b"echo", DELAY)[0] is not None,
        watched=True,
    )


SCENES = [
    dns("dns-v4", V4),
    latency("latency-v4", V4),
    health("health-v6", V6),
    grpc("grpc-v4", V4),
    latency("latency-lo-v4", "127.0.0.1", "--interface", "lo", guarded=True),
    dns("dns-v6", V6),
    latency("latency-v6", V6),
    health("health-v4", V4),
    latency("latency-lo-v6", "::1", "--interface", "lo"),
    http("http-v4", V4),
    paused("process-pause"),
    slow_health("slow-health-v6", V6, "--interface", "eth0"),
]


@pytest.fixture(scope="module")
def hosts(isolated):
    lab = Lab()
    client, server = lab.pair()
    server.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=root", "--pid-file=",
                 "--address=/db.test/10.9.9.9", stdout=subprocess.DEVNULL)
    server.start(PYTHON, HERE / "web.py", 8080, stdout=subprocess.DEVNULL)
    server.start(PYTHON, HERE / "grpc_peer.py", "serve", 50051, stdout=subprocess.DEVNULL)
    for host in (client, server):
        host.start(PYTHON, HERE / "echo.py", 7777, stdout=subprocess.DEVNULL)
    for port in (8080, 50051):
        server.wait_tcp("127.0.0.1", port)
    for scene in SCENES:
        wait_until(lambda scene=scene: scene.clean(client, server), f"{scene}: the lab does not serve")
    yield client, server
    lab.close()


@pytest.fixture(scope="module")
def before(hosts):
    return settled(*hosts)


def wait_until(holds, what, bound=10.0):
    """Seconds until it holds."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < bound, f"{what} within {bound} s"
        time.sleep(0.005)
    return time.monotonic() - start


def arm(scene, hosts):
    injected = inject(hosts[0], *scene.argv)
    wait_until(lambda: scene.faulty(*hosts), f"{scene}: armed, but not in force")
    return injected


def rounds(count):
    return list(itertools.islice(itertools.cycle(SCENES), count))


def tell(capsys, what, times):
    with capsys.disabled():
        for name, seconds in sorted(times.items()):
            print(f"\n  {what}, {name}: median {statistics.median(seconds) * 1e3:.1f} ms, longest {max(seconds) * 1e3:.1f} ms of {len(seconds)}", end="")


def test_sigkill_at_any_moment_leaves_the_host_as_it_was(hosts, before, capsys):
    times = {}
    for scene in rounds(KILLS):
        with arm(scene, hosts) as injected:
            time.sleep(random.uniform(0, 0.4))
            assert scene.faulty(*hosts), f"{scene} is not in force before the kill"
            assert not scene.guarded or loopback_sysctls(hosts[0]) == ["1", "1"]
            held = Held(injected.process.pid)
            assert scene.watched or held.programs and (held.links or injected.through_clsact), f"{scene} holds nothing?"
            injected.process.kill()
            gone = wait_until(lambda scene=scene: scene.clean(*hosts), f"{scene} outlives its process", BOUND)
            times.setdefault("clean", []).append(gone)
            if scene.guarded:
                back = wait_until(lambda: loopback_sysctls(hosts[0]) == ["0", "0"], "the guardian undoes the journal", BOUND)
                times.setdefault("guarded sysctls are back", []).append(gone + back)
            times.setdefault("nothing held is left", []).append(gone + held.wait_gone(BOUND))
            wait_equal(before, *hosts, bound=BOUND)
    tell(capsys, "SIGKILL", times)


def test_sigkill_while_it_starts_leaves_the_host_as_it_was(hosts, before):
    for scene in rounds(max(4, KILLS // 2)):
        with Injected(*scene.argv, "--for", "60s", "--netns", hosts[0].name, wait=False) as injected:
            time.sleep(random.uniform(0, 0.15))
            held = Held(injected.process.pid)
            injected.process.kill()
            injected.process.wait()
            held.wait_gone(BOUND)
            wait_until(lambda scene=scene: scene.clean(*hosts), f"{scene} outlives its process", BOUND)
            wait_equal(before, *hosts, bound=BOUND)


def test_sigstop_makes_a_fault_inert_once_its_lease_is_over(hosts, before, capsys):
    times = {}
    # The guarded one first: it is killed by its guardian, the others lapse, wake up and say so.
    order = sorted(SCENES, key=lambda scene: not (scene.guarded or scene.watched))
    for scene in itertools.islice(itertools.cycle(order), STOPS):
        with arm(scene, hosts) as injected:
            time.sleep(random.uniform(0, 0.4))
            assert scene.faulty(*hosts), f"{scene} is not in force before the stop"
            held = Held(injected.process.pid)
            injected.process.send_signal(signal.SIGSTOP)
            inert = wait_until(lambda scene=scene: scene.clean(*hosts), f"{scene} acts beyond its lease", LEASE + BOUND)
            times.setdefault("inert", []).append(inert)
            if scene.guarded or scene.watched:
                assert injected.process.wait(LEASE + BOUND) == -signal.SIGKILL, "its guardian ends it"
            else:
                injected.wake()
            held.wait_gone(BOUND)
            wait_equal(before, *hosts, bound=BOUND)
    tell(capsys, "SIGSTOP", times)


EXPERIMENT = f"""
[experiment]
name     = "to-be-killed"
title    = "A run that does not reach its end"
baseline = "1s"
duration = "60s"

[target.web]
netns = "web"

[[fault]]
name   = "lie"
kind   = "health"
target = "web"
at     = "0s"
for    = "60s"
port   = 8080
path   = "/healthz"
result = 503

[[probe]]
name    = "check"
kind    = "http"
from    = "client"
url     = "http://10.99.0.31:8080/healthz"
every   = "50ms"

[[expect]]
probe   = "check"
during  = "fault"
success = ">= 99%"

[lab]
hosts = {{ client = ["10.99.0.10"], web = ["10.99.0.31", "fd99::31"] }}
[[lab.service]]
name  = "web"
host  = "web"
run   = ["{PYTHON}", "{HERE / 'web.py'}", "8080"]
ready = {{ tcp = "10.99.0.31:8080" }}
"""


def lies(history):
    """Whether the run says that the fault is armed and its probe has seen it."""
    try:
        events = [json.loads(line) for line in history.read_text().splitlines()[1:]]
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    armed = [e["t"] for e in events if e["event"] == "armed"]
    return bool(armed) and any(e["event"] == "observation" and not e["ok"] and e["t"] > armed[0] for e in events)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_run_in_its_lab_that_is_ended_leaves_the_host_as_it_was(hosts, before, tmp_path, how, capsys):
    file = tmp_path / "experiment.toml"
    file.write_text(EXPERIMENT)
    run = subprocess.Popen([BLACKSTART, "run", file, "--out", tmp_path / "run"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                           preexec_fn=die_with_parent)
    try:
        wait_until(lambda: lies(tmp_path / "run/history.ndjson") or run.poll() is not None, "the run does not lie", 30)
        assert run.poll() is None, run.stderr.read()
        held = Held(run.pid)
        assert len(held.processes) > 1 and len(held.namespaces) >= 2, "a lab without services or hosts?"
        time.sleep(random.uniform(0, 0.4))
        run.send_signal(how)
        gone = held.wait_gone(BOUND * 2)
        assert run.wait(10) == (-how if how == signal.SIGKILL else 128 + how)
        tell(capsys, how.name, {"a lab with its services is gone": [gone]})
    finally:
        run.kill()
        run.communicate()
    wait_equal(before, *hosts, bound=BOUND)


def test_the_test_would_see_what_is_left(hosts, before):
    client = hosts[0]
    client.run("ip", "link", "add", "bsd9", "type", "bridge", check=True)
    client.sysctl("net.ipv4.conf.lo.route_localnet", 1)
    try:
        seen = difference(before, snapshot(*hosts))
        assert "bsd9" in seen and "route_localnet = 1" in seen
    finally:
        client.run("ip", "link", "del", "bsd9", check=True)
        client.sysctl("net.ipv4.conf.lo.route_localnet", 0)
    assert difference(before, snapshot(*hosts)) == ""
