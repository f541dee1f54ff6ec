#!/usr/bin/python3
"""What many rules cost: ns a packet that none of them is for, and the time from starting `inject` to armed, by their number."""

import statistics
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import inside  # noqa: E402
import lab  # noqa: E402
from figures import SERVER, bpf_statistics, ns_a_run, programs  # noqa: E402

NUMBERS = (1, 100, 10_000)
PACKETS, ROUNDS = 100_000, 5


def query(name):
    return struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0" + struct.pack("!2H", 1, 1)


def names(number):
    return [option for i in range(number) for option in ("--name", f"a{i}.svc.test")]


def networks(number, option):
    return [word for i in range(number) for word in (option, f"{20 + i // 65536}.{i // 256 % 256}.{i % 256}.0/24")]


RULES = {
    "dns, names": lambda n: ("dns", *names(n), "--answer", "empty"),
    "dns, servers": lambda n: ("dns", "--name", "other.svc.test", *networks(n, "--server"), "--answer", "empty"),
    "latency, networks": lambda n: ("latency", *networks(n, "--to"), "--delay", "20ms"),
}


def armed(client, argv):
    """(the fault, milliseconds until it was armed)."""
    start = time.monotonic()
    fault = lab.inject(client, *argv)
    return fault, (time.monotonic() - start) * 1000


def cost(client, fault):
    with inside.inside(client), bpf_statistics():
        sender = inside.socket.socket(inside.socket.AF_INET, inside.socket.SOCK_DGRAM)
        packet, before = query("other.svc.test"), programs(fault.process.pid)
        for _ in range(PACKETS):
            sender.sendto(packet, (SERVER, 53))
        return ns_a_run(before, programs(fault.process.pid))["egress_l2"]


def main():
    wires = lab.Lab()
    client, server = wires.pair()
    sink = server.start("/usr/bin/python3", "-c", f"import socket, time; s = socket.socket(type=2); s.bind(('{SERVER}', 53)); time.sleep(600)")
    client.run("ping", "-c", 1, SERVER)
    for what, rules in RULES.items():
        ns, ms = {}, {}
        for _ in range(ROUNDS):
            for number in NUMBERS:
                fault, took = armed(client, rules(number))
                with fault:
                    ns.setdefault(number, []).append(cost(client, fault))
                    ms.setdefault(number, []).append(took)
                    fault.stop()
        ns, ms = ({n: statistics.median(values) for n, values in by.items()} for by in (ns, ms))
        most = NUMBERS[-1]
        print(f"{what}: " + ", ".join(f"{n:,}: {ns[n]:.0f} ns" for n in NUMBERS) + f"; {most:,} against 1: {ns[most] / ns[1]:.2f} (goal <= 1.3)")
        print(f"  set up: " + ", ".join(f"{n:,}: {ms[n]:.0f} ms" for n in NUMBERS) + f"; for {most:,} rules {ms[most] - ms[1]:.0f} ms (goal <= 200)", flush=True)
    sink.kill()
    wires.close()


if __name__ == "__main__":
    lab.isolate()
    main()
