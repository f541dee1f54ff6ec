"""Is the host as it was? Snapshots of everything that a fault could leave behind, and of what one process holds."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

from lab import sh

# One shell a namespace; nothing here counts packets or time.
_LOOK = r"""
echo '# links';      ip -o link show; ip -o addr show
echo '# qdiscs';     tc qdisc show
echo '# filters';    for d in $(ls /sys/class/net); do tc filter show dev $d ingress; tc filter show dev $d egress; done 2>/dev/null
echo '# routes';     ip -4 route show table all; ip -6 route show table all; ip rule show; ip -6 rule show
echo '# nftables';   nft list ruleset
echo '# BPF on devices'; bpftool net show
echo '# sysctls';    sysctl -a -r '^net\.' 2>/dev/null | grep -v -e conntrack_count -e dev_weight
"""


def _of_namespace(host):
    """host: a lab.Host, or None for the test's own namespace."""
    argv = ["sh", "-c", _LOOK]
    text = (host.run(*argv) if host else sh(*argv)).stdout
    # fib entries of IPv6 may carry a lifetime
    return re.sub(r" expires \d+sec", "", text)


def snapshot(*hosts):
    """What is there in some namespaces, and of pins and named namespaces."""
    seen = {host.name: _of_namespace(host) for host in hosts}
    seen["pins"] = sh("find", "/sys/fs/bpf", check=False).stdout
    seen["namespaces"] = "\n".join(sorted(os.listdir("/run/netns")))
    journal = Path("/run/blackstart/journal")
    seen["journal"] = "\n".join(p.name for p in journal.glob("*.json")) if journal.exists() else ""
    return seen


def settled(*hosts, timeout=10):
    """A snapshot that does not change any more: addresses are no longer tentative."""
    until, last = time.monotonic() + timeout, snapshot(*hosts)
    while time.monotonic() < until:
        time.sleep(0.5)
        now = snapshot(*hosts)
        if now == last and not any(" tentative " in text for text in now.values()):
            return now
        last = now
    raise AssertionError("the lab does not settle")


def difference(before, after):
    """Lines that came and went, for people; empty if nothing did."""
    lines = []
    for part in sorted(before):
        old, new = before[part].splitlines(), after[part].splitlines()
        lines += [f"{part}: - {line}" for line in old if line not in new]
        lines += [f"{part}: + {line}" for line in new if line not in old]
    return "\n".join(lines)


def wait_equal(before, *hosts, bound):
    """Seconds until a snapshot equals `before`. Each look costs a few tenths of a second on a busy machine."""
    start = time.monotonic()
    while True:
        began = time.monotonic()
        now = snapshot(*hosts)
        if now == before:
            return began - start
        assert began - start < bound, difference(before, now)


def _stat(pid):
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        return rest[0], int(rest[1])  # state, parent
    except (FileNotFoundError, ProcessLookupError):
        return None


def family(pid):
    """A process and everything that descends from it."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(entry)):
            parents[int(entry)] = stat[1]
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one and child not in found]
    return found


class Held:
    """What a process and its descendants hold in the kernel, and so must be gone with them."""

    def __init__(self, pid):
        self.processes = set(family(pid))
        self.programs, self.links, self.namespaces = set(), set(), set()
        ours = {self._namespace("self")}
        for one in self.processes:
            self._look(one)
        self.namespaces -= ours | self._seen_by(self.processes)

    @staticmethod
    def _namespace(pid):
        try:
            return os.readlink(f"/proc/{pid}/ns/net")
        except OSError:
            return ""

    def _seen_by(self, but):
        """Namespaces that somebody else is in or has mounted: not ours to go."""
        seen = {self._namespace(entry) for entry in os.listdir("/proc") if entry.isdigit() and int(entry) not in but}
        for name in os.listdir("/run/netns"):
            seen.add(f"net:[{os.stat(f'/run/netns/{name}').st_ino}]")
        return seen

    def _look(self, pid):
        self.namespaces.add(self._namespace(pid))
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            return
        for fd in names:
            try:
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
                info = Path(f"/proc/{pid}/fdinfo/{fd}").read_text() if target.startswith("anon_inode:bpf") else ""
            except OSError:
                continue
            if target.startswith("net:["):
                self.namespaces.add(target)
            self.programs.update(re.findall(r"^prog_id:\s*(\d+)", info, re.M))
            self.links.update(re.findall(r"^link_id:\s*(\d+)", info, re.M))

    def left(self):
        """What is still there."""
        found = [f"process {pid}" for pid in self.processes if (stat := _stat(pid)) and stat[0] not in "ZX"]
        found += [f"namespace {inode}" for inode in self.namespaces - {""} if inode in self._seen_by(set())]
        programs = {str(p["id"]) for p in _bpf("prog")} if self.programs else set()
        links = {str(link["id"]) for link in _bpf("link")} if self.links else set()
        return found + [f"program {i}" for i in self.programs & programs] + [f"link {i}" for i in self.links & links]

    def wait_gone(self, bound):
        """Seconds until nothing of it is left."""
        start = time.monotonic()
        while True:
            began = time.monotonic()
            left = self.left()
            if not left:
                return began - start
            assert began - start < bound, f"still there after {bound} s: {left}"


def _bpf(kind):
    # A program that goes while bpftool looks makes it fail: it is asked again.
    for _ in range(20):
        done = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True, text=True, timeout=30)
        if done.returncode == 0:
            return json.loads(done.stdout or "[]")
    raise AssertionError(f"bpftool {kind} show: {done.stderr}")
