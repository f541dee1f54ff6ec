"""The lab as a user meets it: through `run`, with its services real, and nothing of it on the machine, during or after."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import BLACKSTART, die_with_parent

EXPERIMENT = """
[experiment]
name     = "in-a-lab"
title    = "A page is served in a lab"
baseline = "2s"
duration = "{duration}"

[[probe]]
name    = "by-v4"
kind    = "http"
from    = "client"
url     = "http://10.99.0.20:8080/"
every   = "50ms"

[[probe]]
name    = "by-v6"
kind    = "http"
from    = "client"
url     = "http://[fd99::20]:8080/"
every   = "50ms"

[[probe]]
name    = "by-name"
kind    = "resolve"
from    = "client"
query   = "web"
every   = "100ms"

[[expect]]
probe   = "by-v4"
success = ">= 90%"

[lab]
hosts = {{ client = ["10.99.0.10", "fd99::10"], web = ["10.99.0.20", "fd99::20"] }}

[[lab.service]]
name    = "pages"
host    = "web"
run     = {run}
ready   = {{ http = "http://10.99.0.20:8080/", timeout = "5s" }}
package = "some-package"
{more}
"""
PAGES = ["/usr/bin/python3", "-u", "-m", "http.server", "8080", "--bind", "::", "--directory", "/usr/share/doc/base-files"]


def namespaces(processes="[0-9]*"):
    """Of living processes; a zombie has none."""
    found = set()
    for link in Path("/proc").glob(f"{processes}/ns/*"):
        try:
            found.add(os.readlink(link))
        except OSError:
            pass
    return found


def machine():
    netns = Path("/run/netns")
    return {
        "links": sorted(os.listdir("/sys/class/net")),
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "etc": [Path(f"/etc/{name}").read_bytes() for name in ("hosts", "resolv.conf") if Path(f"/etc/{name}").exists()],
        "netns": sorted(os.listdir(netns)) if netns.exists() else [],
    }


def state(pid):
    """Of a process: its letter, its parent and its name; None if it is gone. A zombie waits for its parent only: it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    letter, parent = text.rsplit(")", 1)[1].split()[:2]
    return None if letter == "Z" else (int(parent), text[text.index("(") + 1 : text.rindex(")")])


def descendants(root):
    """pid -> name."""
    known = {int(entry.name): state(entry.name) for entry in Path("/proc").glob("[0-9]*")}
    found = {}
    for pid, one in known.items():
        while one and one[0] != root:
            one = known.get(one[0])
        if one and known[pid]:
            found[pid] = known[pid][1]
    return found


def until(true, seconds):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


class Running:
    def __init__(self, folder, run=PAGES, duration="1s", more=""):
        self.folder = folder / "run"
        file = folder / "experiment.toml"
        file.write_text(EXPERIMENT.format(run=json.dumps(run), duration=duration, more=more))
        argv = [BLACKSTART, "run", str(file), "--out", str(self.folder)]
        self.process = subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)

    def events(self):
        history = self.folder / "history.ndjson"
        lines = history.read_text().splitlines() if history.exists() else []
        return [json.loads(line) for line in lines[1:] if line.endswith("}")]

    def wait_for(self, event):
        assert until(lambda: any(e["event"] == event for e in self.events()) or self.process.poll() is not None, 15)
        assert self.process.poll() is None, self.process.communicate()[0]

    def end(self):
        printed = self.process.communicate(timeout=30)[0]
        return self.process.returncode, printed


def service(name, *run, **more):
    keys = {"name": name, "host": "web", "run": run, **more}
    return "[[lab.service]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())


@pytest.mark.sanitize
def test_services_serve_their_lab_by_v4_v6_and_name_and_the_machine_is_as_before(lab, tmp_path):
    before = machine()
    running = Running(tmp_path)
    running.wait_for("baseline")
    assert machine() == before
    code, printed = running.end()
    assert code == 3, printed  # a run without a fault is never held
    assert machine() == before
    seen = [e for e in running.events() if e["event"] == "observation"]
    for probe in ("by-v4", "by-v6", "by-name"):
        mine = [e for e in seen if e["probe"] == probe]
        assert len(mine) >= 10 and all(e["ok"] for e in mine), [e for e in mine if not e["ok"]][:3]
    assert '"GET / HTTP/1.1" 200' in (running.folder / "logs/pages.log").read_text()


def test_a_fault_finds_names_as_the_hosts_of_its_lab_do(lab, tmp_path):
    slow = '[target.client]\nnetns = "client"\n[[fault]]\nname = "slow"\nkind = "latency"\ntarget = "client"\nfor = "800ms"\nto = "web"\ndelay = "5ms"\n'
    running = Running(tmp_path, more=slow)
    code, printed = running.end()
    (ended,) = [e for e in running.events() if e["event"] == "disarmed"]
    assert ended["hits"] > 0, printed


def test_sigkill_ends_every_service_and_grandchild(lab, tmp_path):
    before, spaces = machine(), namespaces()
    family = "import os,time; os.fork(); os.setsid() if os.fork() == 0 else None; time.sleep(60)"
    running = Running(tmp_path, duration="30s", more=service("family", "/usr/bin/python3", "-c", family))
    running.wait_for("baseline")
    assert until(lambda: list(descendants(running.process.pid).values()).count("python3") >= 5, 5), descendants(running.process.pid)
    ours = descendants(running.process.pid)
    theirs = set().union(*(namespaces(pid) for pid in ours)) - spaces
    assert len(theirs) >= 4, theirs  # a PID, network, mount and host name namespace at least
    running.process.kill()
    start = time.monotonic()
    assert until(lambda: not any(map(state, ours)), 2), {pid: name for pid, name in ours.items() if state(pid)}
    print(f"gone {1000 * (time.monotonic() - start):.0f} ms after SIGKILL")
    assert until(lambda: not namespaces() & theirs, 2), namespaces() & theirs
    assert machine() == before
    running.process.communicate()


def cgroups():
    """Of blackstart's labs, with those below."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line]
    return [Path(path) for mount in mounts[:1] for path, _, _ in os.walk(mount[4]) if "/blackstart-" in path]


MANAGER = """import os, time
os.mkdir("/sys/fs/cgroup/below")
open("/sys/fs/cgroup/below/cgroup.procs", "w").write("0")
print(*(line for line in open("/proc/self/cgroup") if line.startswith("0:")), os.path.exists("/sys/fs/cgroup/cgroup.events"), flush=True)
time.sleep(60)"""


@pytest.mark.parametrize("number", [0, signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP], ids=str)
def test_a_service_that_manages_cgroups_has_its_own_and_nothing_of_it_is_left(lab, tmp_path, number):
    before = cgroups()
    running = Running(tmp_path, duration="1s" if number == 0 else "30s", more=service("manager", "/usr/bin/python3", "-c", MANAGER, cgroup=True))
    running.wait_for("baseline")
    log = running.folder / "logs/manager.log"
    assert until(lambda: log.read_text().endswith("True\n"), 5), log.read_text()
    assert log.read_text() == "0::/below\n True\n"
    assert {path.name for path in set(cgroups()) - set(before)} == {f"blackstart-{running.process.pid}-manager", "below"}
    if number:
        running.process.send_signal(number)
    running.process.communicate(timeout=30)
    assert until(lambda: cgroups() == before, 5), cgroups()


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_takes_its_lab_down(lab, tmp_path, number, code):
    before = machine()
    running = Running(tmp_path, duration="30s")
    running.wait_for("baseline")
    ours = descendants(running.process.pid)
    running.process.send_signal(number)
    ended, printed = running.end()
    assert ended == code, printed
    assert not any(map(state, ours))
    assert machine() == before


def test_a_missing_program_is_named_with_its_package_and_nothing_is_made(lab, tmp_path):
    code, printed = Running(tmp_path, run=["no-such-program"]).end()
    assert code == 4, printed
    assert "no-such-program (package some-package)" in printed and "apt-get install some-package" in printed


def test_a_service_that_does_not_come_up_is_told_with_its_last_words(lab, tmp_path):
    code, printed = Running(tmp_path, run=["/usr/bin/python3", "-c", "raise SystemExit('port is taken')"]).end()
    assert code == 4, printed
    assert "'pages' exited 1" in printed and "port is taken" in printed


def test_an_exit_is_in_the_history_and_restart_starts_it_again(lab, tmp_path):
    running = Running(tmp_path, duration="2s", more=service("brief", "/usr/bin/python3", "-c", "import time; time.sleep(0.6)", restart=True))
    running.end()
    told = [e["what"] for e in running.events() if e["event"] == "service" and e["name"] == "brief"]
    assert told[0] == "started" and "exited 0" in told and "restarted" in told, told
