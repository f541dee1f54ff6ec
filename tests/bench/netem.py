#!/usr/bin/python3
"""Three ways to delay one peer, side by side in one run: netem by hand on the root qdisc, ours through netem, our delay line. For a kernel that
has netem; `scripts/bench vm` runs it in QEMU, where only the proportions mean something. BENCH_SECONDS (3): the length of one load.
"""

import contextlib
import json
import os
import re
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402

V4, V6 = "10.77.0.2", "fd77:0::2"  # delayed, and not
DELAY_MS = 20
SECONDS = int(os.environ.get("BENCH_SECONDS", 3))


@contextlib.contextmanager
def by_hand(client):
    # As it is commonly done: the qdisc sees everything that leaves; limit as ours (10,000 at least).
    client.run("tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", f"{DELAY_MS}ms", "limit", "10000", check=True)
    yield
    client.run("tc", "qdisc", "del", "dev", "eth0", "root", check=True)


@contextlib.contextmanager
def ours(client, *more):
    with lab.inject(client, "latency", "--to", V4, "--delay", f"{DELAY_MS}ms", "--interface", "eth0", *more) as fault:
        yield
        fault.stop()


def rtts(client, address, count=200):
    out = client.run("ping", "-n", "-c", count, "-i", 0.01, "-W", 2, address, timeout=60).stdout
    return [float(t) for t in re.findall(r"time=([0-9.]+) ms", out)]


def mbit(client, address):
    out = client.run("iperf3", "-c", address, "-J", "-t", SECONDS, "-O", 1, timeout=SECONDS + 60).stdout
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e6


def measure(client, bare, delay_ms):
    errors = sorted(t - bare - delay_ms for t in rtts(client, V4))
    return statistics.median(errors), errors[int(len(errors) * 0.99)], mbit(client, V4), statistics.median(rtts(client, V6)), mbit(client, V6)


lab.isolate()
made = lab.Lab()
try:
    client, server = made.pair()
    server.start("iperf3", "-s", stdout=-3)
    server.wait_tcp(V4, 5201)
    client.run("ping", "-c", 2, V6)
    bare = statistics.median(rtts(client, V4))
    print(f"{os.uname().release}: {DELAY_MS} ms asked of {V4}, none of {V6}; errors beyond the bare round trip of {bare:.2f} ms")
    print(f"{'':18} {'median':>9} {'p99':>9} {'matched':>13} {'unmatched':>22}")
    free = None
    for name, way, delay in (("nothing", contextlib.nullcontext(), 0), ("netem by hand", by_hand(client), DELAY_MS),
                             ("ours, netem", ours(client), DELAY_MS), ("ours, delay line", ours(client, "--delay-line"), DELAY_MS)):
        with way:
            median, p99, matched, other, unmatched = measure(client, bare, delay)
        free = free or unmatched
        print(f"{name:18} {median:6.2f} ms {p99:6.2f} ms {matched:6.0f} Mbit/s {other:5.2f} ms {unmatched:6.0f} Mbit/s  {unmatched / free:.2f} of free", flush=True)
finally:
    made.close()
