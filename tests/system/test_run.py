"""A whole run on hosts of one's own (no lab in the file): verdict, run folder, judging again, and every early end."""

import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import time

import pytest

from lab import BLACKSTART, die_with_parent, sh

FILE = """
[experiment]
name = "record-goes-empty"
title = "A record goes empty"
baseline = "1500ms"
duration = "{duration}"

[target.client]
netns = "{netns}"

[[fault]]
name = "gone"
kind = "dns"
target = "client"
at = "500ms"
for = "1500ms"
names = ["{name}"]
answer = "empty"

[[probe]]
name = "lookups"
kind = "dns"
from = "{netns}"
server = "{server}"
query = "db.test"
every = "20ms"
timeout = "500ms"

{more}
"""

SUCCESS = '[[expect]]\nprobe = "lookups"\nsuccess = ">= 90%"\n'


@pytest.fixture
def place(resolving, tmp_path):
    """(write, run folder): a writer of experiment files about a client that resolves db.test."""

    def write(more=SUCCESS, name="db.test", duration="4s", netns=resolving, server="10.77.0.2"):
        file = tmp_path / "experiment.toml"
        file.write_text(FILE.format(netns=netns, name=name, server=server, duration=duration, more=more))
        return file

    return write, tmp_path / "run"


def run(file, folder, *more):
    return sh(BLACKSTART, "run", file, "--out", folder, *more, check=False, timeout=60)


def armed_run(file, folder):
    """A run that goes on, with its fault in force."""
    running = subprocess.Popen([BLACKSTART, "run", file, "--out", folder], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=die_with_parent)
    assert any("  armed: gone" in line for line in running.stderr), "the run ended before its fault was armed"
    return running


def verdict(folder):
    return json.loads((folder / "verdict.json").read_text())


@pytest.mark.sanitize
def test_a_deviation_is_told_with_its_figure_its_limit_and_its_moment(place):
    write, folder = place
    ended = run(write(), folder)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.startswith("DEVIATED: success of lookups"), ended.stdout
    judged = verdict(folder)
    assert judged["restored"] and judged["baseline"] and judged["faults"][0]["hits"] > 10
    expectation = judged["expectations"][0]
    assert expectation["outcome"] == "deviated" and expectation["limit"] == ">= 90%" and 0.4 < expectation["at"] < 2.5


def kernel_objects(pid):
    """(ids of the programs that a process holds, how many links)."""
    programs, links = set(), 0
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        with contextlib.suppress(OSError):
            info = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/fdinfo/{fd}").read().splitlines() if ":\t" in line)
            links += "link_id" in info
            if "prog_id" in info and "link_id" not in info:
                programs.add(info["prog_id"])
    return programs, links


def holds(pid, file):
    """Whether a process has a file (the result of os.stat) open."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(f"/proc/{pid}/fd/{fd}"), file):
                return True
    return False


def test_everything_is_loaded_and_attached_before_the_baseline_begins(place):
    write, folder = place
    running = subprocess.Popen([BLACKSTART, "run", write(), "--out", folder], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=die_with_parent)
    assert any("baseline: " in line for line in running.stderr)
    prepared, attached = kernel_objects(running.pid)
    assert prepared
    assert any("  armed: gone" in line for line in running.stderr)
    assert kernel_objects(running.pid) == (prepared, attached)
    assert attached > 0 or "clsact" in (folder / "history.ndjson").read_text()
    running.send_signal(signal.SIGTERM)
    assert running.communicate(timeout=30) and running.returncode == 143


def test_a_target_that_dies_is_let_go_and_said(place):
    write, folder = place
    file = write(duration="8s").read_text().replace('for = "1500ms"', 'for = "6s"')
    (folder.parent / "experiment.toml").write_text(file)
    running = armed_run(folder.parent / "experiment.toml", folder)
    name = re.search(r'netns = "([^"]+)"', file)[1]
    namespace = os.stat(f"/run/netns/{name}")
    assert holds(running.pid, namespace)
    sh("ip", "netns", "del", name)
    until = time.monotonic() + 10
    while holds(running.pid, namespace):  # the probe's as well
        assert time.monotonic() < until and running.poll() is None
        time.sleep(0.05)
    _, told = running.communicate(timeout=30)
    assert running.returncode == 3 and "let go: client: its network namespace is gone" in told, told
    assert "namespace is gone" in (folder / "history.ndjson").read_text()


def test_it_holds_where_the_expectation_allows_it(place):
    write, folder = place
    ended = run(write(SUCCESS + 'during = "after"\n' + '[[expect]]\nprobe = "lookups"\nrecovers_within = "1s"\nafter = "gone.stop"\nhold = "500ms"\n'),
                folder, "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout) == verdict(folder)
    assert ended.stdout == (folder / "verdict.json").read_text()


@pytest.mark.sanitize
def test_judging_again_needs_no_privilege_and_no_verdict_and_gives_the_same_bytes(place):
    write, folder = place
    run(write(), folder)
    before = (folder / "verdict.json").read_bytes()
    (folder / "verdict.json").unlink()
    for path in [folder, *folder.rglob("*"), *folder.parents]:
        if str(path).startswith("/tmp/"):
            path.chmod(path.stat().st_mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0))
    # By its descriptor: the path to the binary may lie where nobody may look.
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    with open(BLACKSTART, "rb") as binary:
        again = subprocess.run([*nobody, f"/proc/self/fd/{binary.fileno()}", "judge", folder, "--json"], capture_output=True, timeout=30,
                               pass_fds=(binary.fileno(),))
    assert again.returncode == 1, again.stderr
    assert again.stdout == before
    sh(BLACKSTART, "judge", folder, check=False)
    assert (folder / "verdict.json").read_bytes() == before


def test_a_fault_that_hit_nothing_is_never_held(place):
    write, folder = place
    ended = run(write(name="nobody.test"), folder)
    assert ended.returncode == 3 and ended.stdout.startswith("INCONCLUSIVE"), ended.stdout
    assert "hit nothing" in ended.stdout


def test_a_guard_stops_the_run_and_restores_at_once(place):
    write, folder = place
    began = time.monotonic()
    ended = run(write(SUCCESS + '[[guard]]\nprobe = "lookups"\ntrips = "success < 50%"\nover = "1s"\n', duration="30s"), folder)
    assert ended.returncode == 3 and time.monotonic() - began < 20, ended.stderr
    assert "guard" in ended.stdout and verdict(folder)["restored"]


def test_an_unsteady_baseline_ends_the_run_before_any_fault(place):
    write, folder = place
    ended = run(write(server="10.77.0.9"), folder)
    assert ended.returncode == 3 and "baseline" in ended.stdout, ended.stdout
    events = [json.loads(line) for line in (folder / "history.ndjson").read_text().splitlines()]
    assert not [event for event in events if event.get("event") == "armed"]


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_restores_and_says_so(place, lab, number, code):
    write, folder = place
    running = armed_run(write(duration="30s"), folder)
    running.send_signal(number)
    out, err = running.communicate(timeout=20)
    assert running.returncode == code, out + err
    assert verdict(folder)["restored"]
    client = lab.hosts[0]
    assert client.run("dig", "+short", "+tries=1", "+time=2", "@10.77.0.2", "db.test").stdout == "10.9.9.9\n"


def test_restore_ends_a_live_run(place):
    write, folder = place
    running = armed_run(write(duration="30s"), folder)
    assert sh(BLACKSTART, "restore").returncode == 0
    running.communicate(timeout=20)
    assert running.returncode == 143


def test_a_run_folder_with_something_in_it_is_somebody_elses(place):
    write, folder = place
    folder.mkdir()
    (folder / "precious").write_text("mine")
    ended = run(write(), folder)
    assert ended.returncode == 2 and "not empty" in ended.stderr
    assert [path.name for path in folder.iterdir()] == ["precious"]


def test_a_namespace_that_does_not_exist_is_refused_before_anything_is_touched(place):
    write, folder = place
    ended = run(write(netns="nowhere"), folder)
    assert ended.returncode == 4 and "nowhere" in ended.stderr
    assert list(folder.iterdir()) == [], "the next try may have the same folder"
    assert run(write(duration="2500ms"), folder).returncode in (0, 1, 3)


def test_plan_says_where_and_changes_nothing(place):
    write, _ = place
    told = sh(BLACKSTART, "plan", write(), "--json")
    plan = json.loads(told.stdout)
    assert plan["format"].startswith("blackstart-plan/1.")
    assert plan["faults"][0]["interfaces"] == ["lo", "eth0"] and plan["faults"][0]["possible"]
    assert json.loads(sh(BLACKSTART, "status", "--json").stdout)["processes"] == []


def test_a_full_disk_never_stops_a_restore_and_is_said(place, lab):
    write, folder = place
    folder.mkdir()
    sh("mount", "-t", "tmpfs", "-o", "size=24k", "none", folder)
    try:
        ended = run(write(), folder)
        assert ended.returncode == 3, ended.stdout + ended.stderr
        assert "could not be written whole" in ended.stderr and "restored: gone" in ended.stderr
    finally:
        sh("umount", folder)
    assert lab.hosts[0].run("dig", "+short", "+tries=1", "+time=2", "@10.77.0.2", "db.test").stdout == "10.9.9.9\n"
