"""The shipped drills on real software: weak must deviate, hardened must hold; a pair differs only in its lab, name and title.

BLACKSTART_DRILLS=all runs every drill, else the fast ones; BLACKSTART_DRILL_RUNS says how often each of the fast ones, and a quarter
of that the others.
"""

import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from lab import BLACKSTART, die_with_parent, sh

DRILLS = Path(__file__).resolve().parents[2] / "experiments/drills"
NAMES = sorted(folder.name for folder in DRILLS.iterdir() if (folder / "hardened.toml").exists())
FAST = ["all-checks-lie", "aws-2025-10", "empty-record", "gray", "racing-fixers", "stale-writer"]
CHOSEN = NAMES if os.environ.get("BLACKSTART_DRILLS") == "all" else FAST
RUNS = int(os.environ.get("BLACKSTART_DRILL_RUNS", "1"))

# Why the weak side deviates: what it has to fail, whatever else it does.
REASONS = {
    "all-checks-lie": ["success of customers"],
    "automation-off": ["exactly of actions", "success of customers"],
    "aws-2025-10": [
        "never_empty of record",
        "never_backwards of generation",
        "velocity of rotation",
        "flap of web1-in-rotation",
        "success of customers",
        "recovers_within of customers",
    ],
    "bad-rollout": ["never_below of nodes-serving"],
    "cdn-errors": ["success of customers", "recovers_within of customers"],
    "dependency-cut": ["never_below of announcers", "success of customers"],
    "empty-record": ["never_empty of lookups", "success of customers"],
    "failover": ["success of one-primary"],
    "flap": ["success of customers", "flap of web1-in-rotation", "max_transitions of web1-in-rotation"],
    "gray": ["success of customers", "agrees_with of web3-in-rotation"],
    "impostor": ["exactly of pages-from-the-impostor"],
    "lease-collapse": ["recovers_within of most-leases-alive"],
    "racing-fixers": ["max_undos of web1-rotation"],
    "region-loss": ["recovers_within of customers"],
    "resolver-fault": ["success of lookups-a", "success of lookups-aaaa", "success of customers"],
    "retry-herd": ["amplification of tries"],
    "split-brain": ["exactly of holders"],
    "start-limit": ["recovers_within of customers"],
    "stale-writer": ["never_backwards of generation"],
    "surge": ["recovers_within of customers"],
}


def experiment(name, side):
    return tomllib.loads((DRILLS / name / f"{side}.toml").read_text())


def run_both(name, out):
    """Both sides at once: side -> (exit code, what was printed, verdict.json)."""
    started = {}
    for side in ("weak", "hardened"):
        argv = [BLACKSTART, "run", str(DRILLS / name / f"{side}.toml"), "--out", str(out / side)]
        started[side] = subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
    done = {}
    for side, process in started.items():
        printed = process.communicate(timeout=180)[0]
        verdict = out / side / "verdict.json"
        done[side] = (process.returncode, printed, json.loads(verdict.read_text()) if verdict.exists() else None)
    return done


@pytest.mark.parametrize("name", CHOSEN)
def test_weak_deviates_for_its_reason_and_hardened_holds(isolated, tmp_path, name):
    for turn in range(RUNS if name in FAST else max(1, RUNS // 4)):
        done = run_both(name, tmp_path / str(turn))
        code, printed, verdict = done["weak"]
        if code == 4 and all(ended[0] == 4 for ended in done.values()):
            pytest.skip(f"this machine cannot: {printed.splitlines()[-1]}")
        assert code == 1 and verdict["verdict"] == "deviated" and verdict["restored"], printed
        failed = {f"{e['condition']} of {e['probe'] or e['meter']}" for e in verdict["expectations"] if e["outcome"] == "deviated"}
        assert set(REASONS[name]) <= failed, (failed, printed)
        code, printed, verdict = done["hardened"]
        assert code == 0 and verdict["verdict"] == "held" and verdict["restored"], printed
        for _, printed, verdict in done.values():
            assert verdict["faults"] and all(fault["hits"] > 0 for fault in verdict["faults"]), printed


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_differs_only_in_its_lab_its_name_and_its_title(name):
    sides = [experiment(name, side) for side in ("weak", "hardened")]
    for side in sides:
        assert len(side["experiment"]["title"]) <= 100
        del side["lab"], side["experiment"]["name"], side["experiment"]["title"]
    assert sides[0] == sides[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_drill_is_told_on_one_screen_and_ends_in_its_time(name):
    readme = (DRILLS / name / "README.md").read_text()
    assert readme.startswith(f"# {name}\n") and len(readme.splitlines()) <= 40
    assert f"blackstart run {name}" in readme and name in REASONS
    services = [service for side in ("weak", "hardened") for service in experiment(name, side)["lab"]["service"]]
    packages = {package for service in services for package in service.get("package", "").split()}
    assert all(package in readme.split("Needs:")[1] for package in packages)
    assert not (packages - set((DRILLS / "../../scripts/setup").read_text().replace("(", " ").replace(")", " ").split()))
    for side in ("weak", "hardened"):
        head = experiment(name, side)["experiment"]
        seconds = sum(float(head[key].removesuffix("s")) for key in ("baseline", "duration"))
        assert seconds <= (100 if name in ("failover", "lease-collapse") else 50)


def test_what_drills_new_writes_holds_as_it_is(isolated, tmp_path):
    subprocess.run([BLACKSTART, "drills", "new", "first"], cwd=tmp_path, check=True, capture_output=True, timeout=30)
    done = subprocess.run([BLACKSTART, "run", "first.toml", "--out", "run"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_drill_whose_software_is_missing_names_its_packages(isolated, tmp_path):
    env = dict(os.environ, PATH=str(tmp_path))
    text = (DRILLS / "all-checks-lie/weak.toml").read_text().replace('"haproxy", "-db"', '"no-haproxy", "-db"')
    (tmp_path / "weak.toml").write_text(text.replace('"nginx"', '"no-nginx"'))
    done = subprocess.run([BLACKSTART, "run", str(tmp_path / "weak.toml")], env=env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 4, done
    assert "no-haproxy (package haproxy)" in done.stderr and "nginx-light" in done.stderr and "apt-get install nginx-light haproxy" in done.stderr


def test_the_drills_are_listed_with_their_titles():
    printed = sh(BLACKSTART, "drills").stdout
    told = json.loads(sh(BLACKSTART, "drills", "--json").stdout)
    assert told["format"].startswith("blackstart-drills/1.")
    assert [drill["name"] for drill in told["drills"]] == NAMES
    for drill in told["drills"]:
        assert os.path.samefile(drill["folder"], DRILLS / drill["name"])
        title = experiment(drill["name"], "hardened")["experiment"]["title"]
        assert drill["title"] == title and title in printed
