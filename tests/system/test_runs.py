"""Runs that are kept: listed, shown, removed; and what happens where nothing can be written."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import BLACKSTART, die_with_parent, sh

FILE = """
[experiment]
name = "kept"
baseline = "1s"
duration = "{duration}"
[[fault]]
name = "gone"
kind = "dns"
target = "client"
for = "200ms"
names = ["db.test"]
answer = "empty"
[target.client]
netns = "{netns}"
[[probe]]
name = "well"
kind = "exec"
run = ["true"]
every = "20ms"
[[expect]]
probe = "well"
success = ">= 50%"
"""

STATE = Path("/var/lib/blackstart")


@pytest.fixture
def place(lab, tmp_path):
    """A client's namespace, and a writer of an experiment in it; the state directory is the test's own."""
    host = lab.host("client")
    STATE.mkdir(parents=True, exist_ok=True)
    sh("mount", "-t", "tmpfs", "none", STATE)

    def write(duration="600ms"):
        file = tmp_path / "kept.toml"
        file.write_text(FILE.format(netns=host.name, duration=duration))
        return file

    yield write
    sh("umount", "-l", STATE)


def blackstart(*argv, **kw):
    return sh(BLACKSTART, *argv, check=False, timeout=60, **kw)


def kept():
    head, *runs = [json.loads(line) for line in blackstart("runs", "--json").stdout.splitlines()]
    assert head["format"].startswith("blackstart-runs/1.") and head["runs"] == len(runs)
    return runs


@pytest.mark.sanitize
def test_runs_are_kept_listed_shown_and_judged_by_their_id(place):
    assert "no run is kept" in blackstart("runs").stdout and kept() == []
    assert blackstart("runs", "show", "last").returncode == 2
    file = place()
    for _ in range(2):  # within a second, as likely as not: each has a folder of its own
        assert blackstart("run", file).returncode == 3
    first, second = kept()
    assert first["id"] != second["id"] and first["experiment"] == "kept" and first["state"] == "inconclusive"
    table = blackstart("runs").stdout.splitlines()
    assert len(table) == 2 and table[0].startswith(first["id"]) and "hit nothing" in table[0]
    shown = blackstart("runs", "show", "last")
    assert shown.returncode == 0 and shown.stdout.startswith("INCONCLUSIVE") and second["folder"] in shown.stdout
    assert blackstart("judge", first["id"], "--json").stdout == (Path(first["folder"]) / "verdict.json").read_text()
    assert "## " in blackstart("report", "last", "--markdown", "-").stdout
    near = blackstart("judge", first["id"][:-1] + "x")
    assert near.returncode == 2 and f"did you mean '{first['id']}'?" in near.stderr


def test_prune_spares_the_newest_the_young_and_what_is_being_written(place):
    for _ in range(3):
        blackstart("run", place())
    ids = [run["id"] for run in kept()]
    assert blackstart("runs", "prune").returncode == 2
    assert blackstart("runs", "prune", "--older-than", "1h").stdout.startswith("0 removed")
    assert blackstart("runs", "prune", "--keep", "1", "--older-than", "1h").stdout.startswith("0 removed")
    pruned = blackstart("runs", "prune", "--keep", "2")
    assert pruned.returncode == 0 and pruned.stdout.startswith(f"removed {ids[0]}\n1 removed")
    assert [run["id"] for run in kept()] == ids[1:]
    running = subprocess.Popen([BLACKSTART, "run", place(duration="20s")], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=die_with_parent)
    assert any("t0: observing" in line for line in running.stderr)
    pruned = blackstart("runs", "prune", "--keep", "0")
    assert pruned.returncode == 4 and "is kept: it is being written" in pruned.stderr and "2 removed" in pruned.stdout
    assert [run["state"] for run in kept()] == ["running"]
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=20)
    assert running.returncode == 143 and kept()[0]["reason"] == "interrupted by SIGTERM"


def test_the_state_directory_of_a_user_is_below_xdg_state_home(place, tmp_path):
    with open(BLACKSTART, "rb") as binary:
        argv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", f"/proc/self/fd/{binary.fileno()}", "runs", "--json"]
        for env, folder in (({"XDG_STATE_HOME": "/xdg"}, "/xdg/blackstart/runs"), ({"HOME": "/home/x"}, "/home/x/.local/state/blackstart/runs")):
            done = subprocess.run(argv, capture_output=True, text=True, timeout=30, pass_fds=(binary.fileno(),), env=env)
            assert json.loads(done.stdout)["folder"] == folder


@contextlib.contextmanager
def state(options):
    sh("mount", "-t", "tmpfs", "-o", options, "none", STATE)
    try:
        yield
    finally:
        sh("umount", "-l", STATE)


def test_a_read_only_state_directory_is_said_before_anything_is_touched(place):
    with state("ro"):
        ended = blackstart("run", place())
        assert ended.returncode == 4 and "cannot make run folder" in ended.stderr and "--out" in ended.stderr
        assert "armed" not in ended.stderr


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_a_full_disk_is_said_and_the_host_is_whole(place, pages):
    with state(f"size={pages * 4}k"):
        ended = blackstart("run", place())
        assert ended.returncode in (3, 4), ended.stdout + ended.stderr  # 4: not even the experiment could be kept
        if ended.returncode == 3:
            assert "could not be" in ended.stderr + ended.stdout, ended.stderr
    assert json.loads(blackstart("status", "--json").stdout)["processes"] == []


def test_two_runs_do_not_share_a_folder(place, tmp_path):
    folder = tmp_path / "one"
    running = subprocess.Popen([BLACKSTART, "run", place(duration="20s"), "--out", folder], text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, preexec_fn=die_with_parent)
    until = time.monotonic() + 10
    while not (folder / "history.ndjson").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert blackstart("run", place(), "--out", folder).returncode == 2
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)
    assert running.returncode == 130
    assert os.path.exists(folder / "verdict.json")


SLOW_LAB = """
[experiment]
name = "slow"
baseline = "500ms"
duration = "2s"
[lab.hosts]
web = ["10.99.7.2", "fd99:7::2"]
[[lab.service]]
name = "late"
host = "web"
run = ["sh", "-c", "sleep {ready_after}; exec python3 -m http.server -b 10.99.7.2 80"]
ready = {{ tcp = "10.99.7.2:80", timeout = "30s" }}
[target.web]
netns = "web"
[[fault]]
name = "slow"
kind = "latency"
target = "web"
for = "2s"
to = ["10.99.7.9"]
delay = "10ms"
[[probe]]
name = "well"
kind = "exec"
run = ["true"]
every = "50ms"
[[expect]]
probe = "well"
success = ">= 50%"
"""


@pytest.mark.parametrize("ready_after, armed", [(2, True), (25, False)])
def test_a_run_ends_with_its_ttl_wherever_it_is(place, tmp_path, ready_after, armed):
    """In force, or with its lab still on the way up: ended, restored, said, and inconclusive."""
    place()
    file = tmp_path / "slow.toml"
    file.write_text(SLOW_LAB.format(ready_after=ready_after))
    began = time.monotonic()
    ended = blackstart("run", file, "--ttl", "4s")
    took = time.monotonic() - began
    assert ended.returncode == 3 and "its --ttl is over" in ended.stderr, ended
    assert 4 <= took < 15
    assert ("armed: slow" in ended.stderr, "restored: slow" in ended.stderr) == (armed, armed), ended.stderr
    assert "ttl" in ended.stdout and "host restored     yes" in ended.stdout, ended.stdout
    assert "nothing is injected" in blackstart("status").stdout
