"""Namespaces for tests: hosts joined by veth pairs, private to the test process and gone when it is.

Everything a test makes lives in the test process's own mount namespace (its /run/netns and /run/blackstart are its own),
so tests may run side by side and a killed test leaves nothing behind.
"""

import contextlib
import ctypes
import itertools
import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path

BLACKSTART = os.environ.get("BLACKSTART", str(Path(__file__).resolve().parent.parent / "build/experiments/blackstart"))

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE, _PR_SET_PDEATHSIG = 0x20000, 0x4000, 1 << 18, 1


def _call(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def isolate():
    """Own mount namespace with empty /run/netns and /run/blackstart. Once a process, before the first namespace."""
    _call(_libc.unshare(_CLONE_NEWNS))
    _call(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
    for path in ("/run/netns", "/run/blackstart"):
        os.makedirs(path, exist_ok=True)
        _call(_libc.mount(b"tmpfs", path.encode(), b"tmpfs", 0, None))


def die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def sh(*argv, check=True, timeout=30, **kw):
    return subprocess.run([str(a) for a in argv], check=check, timeout=timeout, text=True, capture_output=True, **kw)


def features():
    """What this kernel has and lets us do, as doctor tells it: name -> bool."""
    return {f["name"]: f["there"] for f in json.loads(sh(BLACKSTART, "doctor", "--json", check=False).stdout)["features"]}


class Host:
    """One network namespace."""

    def __init__(self, name):
        self.name = name
        self.children = []
        sh("ip", "netns", "add", name)
        # Link-local addresses are there at once: a test need not wait for duplicate address detection, nor see it end.
        self.sysctl("net.ipv6.conf.default.dad_transmits", 0)
        sh("ip", "-n", name, "link", "set", "lo", "up")

    def argv(self, *argv):
        return ["ip", "netns", "exec", self.name, *[str(a) for a in argv]]

    def run(self, *argv, **kw):
        """Runs a command inside and returns its CompletedProcess (text, captured); check=False unless said."""
        kw.setdefault("check", False)
        return sh(*self.argv(*argv), **kw)

    def start(self, *argv, **kw):
        """Starts a command inside; it is killed when the host goes."""
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.STDOUT)
        child = subprocess.Popen(self.argv(*argv), text=True, preexec_fn=die_with_parent, **kw)
        self.children.append(child)
        return child

    def sysctl(self, key, value):
        self.run("sysctl", "-qw", f"{key}={value}", check=True)

    def wait_tcp(self, address, port, timeout=30):
        """Until something inside accepts connections there."""
        until = time.monotonic() + timeout
        probe = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"
        while self.run("/usr/bin/python3", "-c", probe, address, port).returncode != 0:
            assert time.monotonic() < until, f"nothing listens at {address}:{port} in {self.name}"
            time.sleep(0.05)

    def close(self):
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            child.wait()
        sh("ip", "netns", "del", self.name, check=False)


_serial = itertools.count()


class Lab:
    """Hosts and wires. `pair()` is enough for most tests."""

    def __init__(self):
        self.hosts = []

    def host(self, name):
        host = Host(f"{name}-{next(_serial)}")
        self.hosts.append(host)
        return host

    def wire(self, a, b, net=0, offload=True, a_if="eth0", b_if="eth0"):
        """Joins two hosts: a is 10.77.NET.1 and fd77:NET::1, b is 10.77.NET.2 and fd77:NET::2."""
        sh("ip", "-n", a.name, "link", "add", a_if, "type", "veth", "peer", "name", b_if, "netns", b.name)
        for host, device, last in ((a, a_if, 1), (b, b_if, 2)):
            sh("ip", "-n", host.name, "addr", "add", f"10.77.{net}.{last}/24", "dev", device)
            sh("ip", "-n", host.name, "addr", "add", f"fd77:{net}::{last}/64", "dev", device, "nodad")
            sh("ip", "-n", host.name, "link", "set", device, "up")
            if not offload:
                host.run("ethtool", "-K", device, "tx", "off", check=True)

    def pair(self, offload=True):
        """client (10.77.0.1, fd77:0::1) and server (10.77.0.2, fd77:0::2)."""
        client, server = self.host("client"), self.host("server")
        self.wire(client, server, offload=offload)
        return client, server

    def close(self):
        for host in self.hosts:
            host.close()


class Injected:
    """A running `blackstart inject … --json`, armed."""

    def __init__(self, *argv, binary=BLACKSTART, json_output=True, wait=True):
        argv = [binary, "inject", *[str(a) for a in argv]] + (["--json"] if json_output else [])
        self.process = subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        self.armed = self.restored = None
        if wait:
            self.armed = self.event("armed", 90)  # under emulation the verifier alone takes ten seconds, and longer beside other work

    def event(self, name, timeout):
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.process.kill()
            raise AssertionError(f"no '{name}' from {self.process.args}: {self.process.communicate()[1]}")
        event = json.loads(line)
        assert event["event"] == name, line
        return event

    def stop(self, how=signal.SIGTERM):
        """Ends it and returns the 'restored' event (None if it was killed)."""
        if self.restored is None and self.process.poll() is None:
            self.process.send_signal(how)
            if how != signal.SIGKILL:
                self.restored = self.event("restored", 30)
        self.process.wait(30)
        return self.restored

    def finish(self, timeout=60):
        """Waits for its own end: (exit code, 'restored' event)."""
        self.restored = self.event("restored", timeout)
        return self.process.wait(10), self.restored

    @property
    def through_clsact(self):
        """Kernels without tcx: what is attached is a journalled filter and no link, and a guardian ends a stopped process and undoes it."""
        return self.armed["how"].startswith("clsact")

    def wake(self):
        """After it was stopped for longer than its lease: it says so and ends. Its 'restored' event; None where its guardian has ended it."""
        if self.through_clsact:
            assert self.process.wait(10) == -signal.SIGKILL
            return None
        self.process.send_signal(signal.SIGCONT)
        code, restored = self.finish(10)
        assert code == 3 and restored["lapsed"], restored
        return restored

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def inject(host, *argv, **kw):
    """`inject(client, "dns", "--name", "db.test", "--answer", "empty")` in a host; --for 60s unless given."""
    argv = [str(a) for a in argv]
    if "--for" not in argv:
        argv += ["--for", "60s"]
    return Injected(*argv, "--netns", host.name, **kw)
