#!/usr/bin/python3
"""What a DNS answer costs in the kernel, by its own BPF statistics, and what many names add to it and to the set-up."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lab import BLACKSTART, Lab, inject, isolate, sh  # noqa: E402

SECONDS = os.environ.get("BENCH_SECONDS", "3")


def program(name):
    """(run time in ns, runs) of the programs of that name since they were loaded."""
    found = [p for p in json.loads(sh("bpftool", "-j", "prog", "show").stdout) if p.get("name") == name]
    return sum(p.get("run_time_ns", 0) for p in found), sum(p.get("run_cnt", 0) for p in found)


def cost(client, names, asked, folder):
    """ns a hit, answers a second, and the seconds until armed."""
    queries = Path(folder) / "queries"
    queries.write_text("".join(f"{name} A\n" for name in asked))
    config = Path(folder) / "names.toml"
    config.write_text(
        '[experiment]\nname = "many"\ntitle = "many"\nbaseline = "1s"\nduration = "60s"\n[[fault]]\nname = "f"\nkind = "dns"\nfor = "60s"\n'
        'answer = "empty"\nnames = [' + ",".join(f'"{n}"' for n in names) + "]\n")
    begun = time.monotonic()
    argv = sum((["--name", name] for name in names), [])
    with inject(client, "dns", *argv, "--answer", "empty") as fault:
        ready = time.monotonic() - begun
        before = program("egress_l2")
        done = client.run("dnsperf", "-s", "10.77.0.2", "-d", queries, "-l", SECONDS, "-c", "4", timeout=60).stdout
        after = program("egress_l2")
        hits = fault.stop()["hits"]
    rate = next(float(line.split()[-1]) for line in done.splitlines() if "Queries per second" in line)
    assert hits > 1000, done
    return (after[0] - before[0]) / (after[1] - before[1]), rate, ready


def main():
    isolate()
    lab = Lab()
    stats = Path("/proc/sys/kernel/bpf_stats_enabled")
    was = stats.read_text()
    try:
        client, _ = lab.pair()
        stats.write_text("1")
        with tempfile.TemporaryDirectory() as folder:
            one = None
            for count in (1, 100, 10_000):
                names = [f"host-{i}.svc.test" for i in range(count)]
                ns, rate, ready = cost(client, names, names, folder)
                one = one or ns
                print(f"{count:6} names: {ns:4.0f} ns a hit ({ns / one:.2f} of one name), {rate:,.0f} answers/s, armed after {ready * 1000:.0f} ms")
    finally:
        stats.write_text(was)
        lab.close()


if __name__ == "__main__":
    main()
