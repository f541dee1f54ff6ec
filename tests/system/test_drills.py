"""The shipped drills on real software: weak must deviate, hardened must hold; a pair differs only in its lab, name and title."""

import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from lab import BLACKSTART, die_with_parent, isolate, sh

DRILLS = Path(__file__).resolve().parents[2] / "experiments/drills"
NAMES = sorted(folder.name for folder in DRILLS.iterdir() if folder.is_dir())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every drill's both sides at once: (drill, side) -> (exit code, what was printed, run folder)."""
    isolate()
    out = tmp_path_factory.mktemp("drills")
    started = {}
    for name in NAMES:
        for side in ("weak", "hardened"):
            folder = out / f"{name}-{side}"
            argv = [BLACKSTART, "run", str(DRILLS / name / f"{side}.toml"), "--out", str(folder)]
            process = subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
            started[name, side] = (process, folder)
    done = {}
    for key, (process, folder) in started.items():
        printed = process.communicate(timeout=120)[0]
        done[key] = (process.returncode, printed, folder)
    return done


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side, code, verdict", [("weak", 1, "deviated"), ("hardened", 0, "held")])
def test_weak_deviates_and_hardened_holds(runs, name, side, code, verdict):
    ended, printed, folder = runs[name, side]
    assert ended == code, printed
    judged = json.loads((folder / "verdict.json").read_text())
    assert judged["verdict"] == verdict and judged["restored"], judged
    assert judged["faults"] and all(fault["hits"] > 0 for fault in judged["faults"]), judged


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_differs_only_in_its_lab_its_name_and_its_title(name):
    sides = []
    for side in ("weak", "hardened"):
        experiment = tomllib.loads((DRILLS / name / f"{side}.toml").read_text())
        del experiment["lab"], experiment["experiment"]["name"], experiment["experiment"]["title"]
        sides.append(experiment)
    assert sides[0] == sides[1]


def test_the_drills_are_listed_with_their_titles():
    printed = sh(BLACKSTART, "drills").stdout
    told = json.loads(sh(BLACKSTART, "drills", "--json").stdout)
    assert told["format"].startswith("blackstart-drills/1.")
    assert [drill["name"] for drill in told["drills"]] == NAMES
    for drill in told["drills"]:
        assert os.path.samefile(drill["folder"], DRILLS / drill["name"])
        hardened = tomllib.loads((DRILLS / drill["name"] / "hardened.toml").read_text())
        assert drill["title"] == hardened["experiment"]["title"] and drill["title"] in printed
