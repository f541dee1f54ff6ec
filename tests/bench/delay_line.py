#!/usr/bin/python3
"""Figures of the delay line: delay error, throughput, packets a second. On an idle machine, as root, about half a minute.

  tests/bench/delay_line.py [--json]      BLACKSTART names the binary (build/experiments/blackstart)
"""

import json
import re
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402

SERVER = "10.77.0.2"


def rtts(host, count, every):
    out = host.run("ping", "-n", "-c", count, "-i", every, "-W", 2, SERVER, timeout=60).stdout
    return [float(t) for t in re.findall(r"time=([0-9.]+) ms", out)]


def line(host, delay_ms, *more):
    return lab.inject(host, "latency", "--to", SERVER, "--delay", f"{delay_ms}ms", "--interface", "eth0", "--delay-line", *more)


def delay_error(client, delay_ms, count=300):
    """What the line adds beyond what was asked, in microseconds, against the bare round trip of the same minute."""
    bare = statistics.median(rtts(client, 200, 0.01))
    with line(client, delay_ms):
        errors = sorted((t - bare - delay_ms) * 1000 for t in rtts(client, count, 0.01))
    return {"delay_ms": delay_ms, "median_us": round(statistics.median(errors)), "p99_us": round(errors[int(len(errors) * 0.99)]), "n": len(errors)}


def iperf(client, *argv, seconds=4):
    out = client.run("iperf3", "-c", SERVER, "-J", "-t", seconds, *argv, timeout=seconds + 30).stdout
    return json.loads(out)["end"]


def throughput(client, streams, delay_ms=20):
    bare = iperf(client, "-P", streams, seconds=2)["sum_received"]["bits_per_second"]
    with line(client, delay_ms) as fault:
        seen = iperf(client, "-P", streams, "-O", 1)["sum_received"]["bits_per_second"]
        restored = fault.stop()
    return {"streams": streams, "delay_ms": delay_ms, "gbit": round(seen / 1e9, 2), "bare_gbit": round(bare / 1e9, 2), "dropped": restored["dropped"]}


def one_stream_of_buffer(client, buffer=1 << 20, delay_ms=20):
    """A sender that may have `buffer` bytes on the way sends at most that much a delay."""
    client.run("sysctl", "-qw", f"net.ipv4.tcp_wmem=4096 {buffer} {buffer}")
    with line(client, delay_ms) as fault:
        seen = iperf(client, "-O", 1)["sum_received"]["bits_per_second"]
        fault.stop()
    return {"send_buffer": buffer, "delay_ms": delay_ms, "gbit": round(seen / 1e9, 3), "share_of_buffer_over_delay": round(seen / 8 * delay_ms / 1000 / buffer, 3)}


def packets(client, rate=100_000, delay_ms=20, seconds=3):
    with line(client, delay_ms) as fault:
        end = iperf(client, "-u", "-l", 64, "-b", rate * 64 * 8, "--pacing-timer", 200, "-w", "4M", seconds=seconds)["sum"]
        time.sleep(0.1)
        restored = fault.stop()
    return {"packets_per_second": round(end["packets"] / seconds), "sent": end["packets"], "lost_end_to_end": end["lost_packets"],
            "dropped_by_the_line": restored["dropped"], "matched": restored["matched"], "hits": restored["hits"]}


def main():
    lab.isolate()
    wires = lab.Lab()
    client, server = wires.pair()
    server.start("iperf3", "-s", stdout=-3)
    server.wait_tcp(SERVER, 5201)
    figures = {"delay_error": [delay_error(client, d) for d in (1, 20, 200)],
               "throughput": [throughput(client, n) for n in (1, 8)],
               "packets": packets(client),
               "one_stream": one_stream_of_buffer(client)}
    wires.close()
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    for row in figures["delay_error"]:
        print("delay error at {delay_ms} ms: median {median_us} us, p99 {p99_us} us ({n} round trips)".format(**row))
    for row in figures["throughput"]:
        print("{streams} stream(s) at {delay_ms} ms: {gbit} Gbit/s ({bare_gbit} bare), {dropped} dropped".format(**row))
    print("one stream, send buffer {send_buffer} bytes, {delay_ms} ms: {gbit} Gbit/s, {share_of_buffer_over_delay} of buffer / delay".format(**figures["one_stream"]))
    print("{packets_per_second} packets/s: {lost_end_to_end} of {sent} lost end to end, {dropped_by_the_line} by the line".format(**figures["packets"]))


main()
