#!/usr/bin/python3
"""Figures of the programs in the kernel, each against its goal, in namespaces of its own: figures.py startup|throughput|dns|onset …

  startup     what `check` of a drill and `--help` take, from exec to exit

  throughput  iperf3 across a veth with faults armed and nothing matching, against none armed, in turn; ns a packet
  dns         answers a second from the kernel, and from dnsmasq, unbound and dnsdist; ns a hit
  onset       from starting `inject` to the first faulted packet, and from SIGKILL to the first clean one

BENCH_SECONDS (3) is the length of one load. ns are the kernel's own BPF statistics (BPF_ENABLE_STATS), while loaded.
"""

import contextlib
import ctypes
import itertools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import inside  # noqa: E402
import lab  # noqa: E402

SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
SERVER = "10.77.0.2"
NOT_MATCHING = {
    "dns": ("dns", "--name", "other.test", "--answer", "empty"),
    "health": ("health", "--port", "8099", "--path", "/healthz", "--result", "503"),
    "latency": ("latency", "--to", "198.51.100.0/24", "--delay", "20ms"),
}


@contextlib.contextmanager
def bpf_statistics():
    """The kernel counts runs and their time while the descriptor is open (bpf(2), BPF_ENABLE_STATS)."""
    attr = ctypes.create_string_buffer(128)
    fd = ctypes.CDLL(None, use_errno=True).syscall(321, 32, attr, 128)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "BPF_ENABLE_STATS")
    try:
        yield
    finally:
        os.close(fd)


def programs(pid):
    """{program id: (name, nanoseconds, runs)} of the programs that a process holds."""
    ids = set()
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            ids.update(re.findall(r"^prog_id:\s*(\d+)", info.read_text(), re.M))
    shown = json.loads(lab.sh("bpftool", "-j", "prog", "show").stdout)
    return {p["id"]: (p["name"], p.get("run_time_ns", 0), p.get("run_cnt", 0)) for p in shown if str(p["id"]) in ids}


def ns_a_run(before, after):
    """{program name: ns} for the programs that ran a thousand times at least in between."""
    spent = {}
    for number, (name, time_ns, runs) in after.items():
        _, time_before, runs_before = before.get(number, ("", 0, 0))
        if runs - runs_before >= 1000:
            spent.setdefault(name, []).append((time_ns - time_before) / (runs - runs_before))
    return {name: round(max(values)) for name, values in spent.items()}


# ---- throughput -----------------------------------------------------------------------------------------------------


def gbit(client):
    out = client.run("iperf3", "-c", SERVER, "-J", "-t", SECONDS, "-O", 1, timeout=SECONDS + 30).stdout
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e9


def armed_gbit(client, faults):
    """Gbit/s with some faults armed."""
    with contextlib.ExitStack() as stack:
        for argv in faults:
            stack.enter_context(lab.inject(client, *argv))
        return gbit(client)


def cost(client, argv):
    """ns a packet by program, for packets that do not match: a program of ours under small packets."""
    with lab.inject(client, *argv) as fault, bpf_statistics():
        before = programs(fault.process.pid)
        client.run("iperf3", "-c", SERVER, "-t", 2, "-u", "-l", 64, "-b", "30M", timeout=30)
        client.run("iperf3", "-c", SERVER, "-t", 2, timeout=30)
        return ns_a_run(before, programs(fault.process.pid))


def throughput(rounds=5):
    wires = lab.Lab()
    client, server = wires.pair()
    server.start("iperf3", "-s", stdout=subprocess.DEVNULL)
    server.wait_tcp(SERVER, 5201)
    five = [NOT_MATCHING["dns"], NOT_MATCHING["health"], *[NOT_MATCHING["latency"]] * 3]
    for what, faults, goal in [*((name, [argv], 0.97) for name, argv in NOT_MATCHING.items()), ("five at once", five, 0.93)]:
        ratios = []
        for _ in range(rounds):
            none, armed, again = gbit(client), armed_gbit(client, faults), gbit(client)
            ratios.append(armed / ((none + again) / 2))
        print(f"{what}, armed and nothing matching: {statistics.median(ratios):.3f} of none armed "
              f"({min(ratios):.3f} to {max(ratios):.3f}, {rounds} rounds; goal >= {goal})", flush=True)
    for name, argv in NOT_MATCHING.items():
        shown = ", ".join(f"{program} {ns} ns" for program, ns in sorted(cost(client, argv).items()))
        print(f"{name}, a packet that does not match: {shown} (goal <= 60)", flush=True)
    wires.close()


# ---- dns ------------------------------------------------------------------------------------------------------------

UNBOUND = """server:
  interface: 10.77.0.2
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: "/dev/null"
  num-threads: 2
  so-reuseport: yes
  access-control: 0.0.0.0/0 allow
  local-zone: "bench.test." static
  local-data: "bench.test. 5 IN A 10.1.2.3"
remote-control:
  control-enable: no
"""
DNSDIST = """setLocal("10.77.0.2:53", {reusePort=true})
addLocal("10.77.0.2:53", {reusePort=true})
addACL("0.0.0.0/0")
setSecurityPollSuffix("")
newServer({address="127.0.0.1:5353", healthCheckMode="up"})
addAction("bench.test.", RCodeAction(DNSRCode.NXDOMAIN))
"""


def servers(folder):
    """{name: argv}: each answers bench.test on 10.77.0.2."""
    (folder / "unbound.conf").write_text(UNBOUND.format(folder=folder))
    (folder / "dnsdist.conf").write_text(DNSDIST)
    return {
        "dnsmasq": ("dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--pid-file", "--user=root", "--address=/bench.test/10.1.2.3"),
        "unbound": ("unbound", "-d", "-c", folder / "unbound.conf"),
        "dnsdist": ("dnsdist", "--supervised", "--disable-syslog", "-u", "root", "-g", "root", "-C", folder / "dnsdist.conf"),
    }


def answers_a_second(client, folder):
    (folder / "queries").write_text("bench.test A\n")
    done = client.run("dnsperf", "-s", SERVER, "-d", folder / "queries", "-l", SECONDS, "-c", 4, "-T", 2, "-q", 400, timeout=SECONDS + 30)
    found = re.search(r"Queries per second:\s+([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def dns(rounds=3):
    wires = lab.Lab()
    client, server = wires.pair()
    rate = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for _, (who, argv) in itertools.product(range(rounds), servers(folder).items()):
            child = server.start(*argv, stdout=subprocess.DEVNULL)
            until = time.monotonic() + 10
            while inside.dns_answers(client, SERVER, "bench.test", timeout=0.2) is None:
                assert time.monotonic() < until, f"{who} does not answer"
            rate.setdefault(who, []).append(answers_a_second(client, folder))
            child.kill()
            child.wait()
            for what, answer in (("kernel, empty", "empty"), ("kernel, an address", "10.1.2.3")):
                with lab.inject(client, "dns", "--name", "bench.test", "--answer", answer):
                    rate.setdefault(what, []).append(answers_a_second(client, folder))
        for who, values in rate.items():
            print(f"{who}: {statistics.median(values):,.0f} answers a second ({len(values)} loads)")
        best = max(statistics.median(v) for who, v in rate.items() if not who.startswith("kernel"))
        print(f"kernel against the fastest: {statistics.median(rate['kernel, empty']) / best:.2f} (goal >= 1.9)")
        with lab.inject(client, "dns", "--name", "bench.test", "--answer", "empty") as fault, bpf_statistics():
            before = programs(fault.process.pid)
            answers_a_second(client, folder)
            print(f"a hit: {ns_a_run(before, programs(fault.process.pid))} ns (goal <= 170; the answer's own ingress run is in it)")
    wires.close()


# ---- onset ----------------------------------------------------------------------------------------------------------


def first(client, empty, until):
    """Seconds on the monotonic clock when an answer for db.test first is (not) empty."""
    while time.monotonic() < until:
        answers = inside.dns_answers(client, SERVER, "db.test", timeout=0.2)
        if (answers == 0) == empty:
            return time.monotonic()
    raise AssertionError("it never comes")


def onset(rounds=15):
    wires = lab.Lab()
    client, server = wires.pair()
    server.start("dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--pid-file", "--user=root", "--address=/db.test/10.1.2.3",
                 stdout=subprocess.DEVNULL)
    first(client, False, time.monotonic() + 10)
    come, go = [], []
    for _ in range(rounds):
        start = time.monotonic()
        with lab.inject(client, "dns", "--name", "db.test", "--answer", "empty", wait=False) as fault:
            come.append(first(client, True, start + 10) - start)
            killed = time.monotonic()
            fault.process.send_signal(signal.SIGKILL)
            go.append(first(client, False, killed + 10) - killed)
    for what, values, goal in (("starting inject to the first faulted packet", come, 150), ("SIGKILL to the first clean packet", go, 20)):
        print(f"{what}: median {statistics.median(values) * 1000:.0f} ms, longest {max(values) * 1000:.0f} ms ({rounds} rounds; goal <= {goal})")
    wires.close()


# ---- startup --------------------------------------------------------------------------------------------------------


def startup(rounds=100):
    drill = Path(__file__).resolve().parents[2] / "experiments/drills/all-checks-lie/weak.toml"
    for argv in (("check", drill), ("--help",), ("complete", "--", "inject", "dns", "--")):
        took = []
        for _ in range(rounds):
            start = time.monotonic()
            lab.sh(lab.BLACKSTART, *argv)
            took.append((time.monotonic() - start) * 1000)
        print(f"blackstart {argv[0]}: median {statistics.median(took):.1f} ms, p95 {sorted(took)[rounds * 95 // 100]:.1f} ms ({rounds} times; goal <= 20)")


if __name__ == "__main__":
    lab.isolate()
    for figure in sys.argv[1:]:
        {"startup": startup, "throughput": throughput, "dns": dns, "onset": onset}[figure]()
