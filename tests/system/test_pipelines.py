"""The gate, and the examples for GitHub Actions and GitLab CI: the commands that they hold, run as they stand."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from lab import BLACKSTART, sh

yaml = pytest.importorskip("yaml")

PIPELINES = Path(__file__).resolve().parents[2] / "experiments/pipelines"
FILE = """[experiment]
name = "checkout"
baseline = "400ms"
duration = "1s"
[target.client]
netns = "{netns}"
[[fault]]
name = "slow"
kind = "latency"
target = "client"
for = "700ms"
to = "10.77.0.2"
delay = "60ms"
delay_line = true
[[probe]]
name = "well"
kind = "icmp"
to = "10.77.0.2"
from = "{netns}"
every = "20ms"
[[expect]]
probe = "well"
success = ">= 80%"
[[expect]]
probe = "well"
during = "fault"
latency = {{ p50 = "<= {limit}" }}
"""


@pytest.fixture
def place(lab, tmp_path):
    """A repository with an experiment, and a PATH with blackstart and a sudo."""
    client, _ = lab.pair()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sudo").write_text('#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n')
    (tools / "sudo").chmod(0o755)
    (tools / "blackstart").symlink_to(BLACKSTART)
    repository = tmp_path / "repository"
    (repository / "resilience").mkdir(parents=True)

    def write(limit="500ms"):
        (repository / "resilience/checkout.toml").write_text(FILE.format(netns=client.name, limit=limit))

    def shell(script, **env):
        script = script.replace("/usr/share/blackstart/pipelines", str(PIPELINES))
        return subprocess.run(["bash", "-e", "-c", script], text=True, capture_output=True, timeout=60, cwd=repository,
                              env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", **env})

    write()
    return write, shell, repository


def github():
    steps = yaml.safe_load((PIPELINES / "github-actions.yml").read_text())["jobs"]["gate"]["steps"]
    return {step["name"]: step["run"] for step in steps if "run" in step}


def test_github_actions_as_they_stand(place, tmp_path):
    write, shell, repository = place
    summary = tmp_path / "summary.md"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    steps = github()
    assert shell(steps["What this host can do"], **env).returncode in (0, 4)
    held = shell(steps["Gate"], **env)
    assert held.returncode == 0, held.stdout + held.stderr
    assert "::error" not in held.stdout and "✅ checkout: held" in summary.read_text()
    write(limit="20ms")
    deviated = shell(steps["Gate"], **env)
    assert deviated.returncode == 1, deviated.stdout + deviated.stderr
    notes = re.findall(r"^::(\w+) file=([^,]+),line=(\d+),title=([^:]*)::(.*)$", deviated.stdout, re.M)
    lines = (repository / "resilience/checkout.toml").read_text().splitlines()
    assert [(kind, file, lines[int(line) - 1]) for kind, file, line, *_ in notes] == [("error", "resilience/checkout.toml", "[[expect]]")]
    assert int(notes[0][2]) == len(lines) - 3 and "latency of well" in notes[0][3]
    assert "❌ checkout: deviated" in summary.read_text()
    assert (repository / "blackstart-report/junit.xml").exists() and (repository / "blackstart-report/report.html").exists()
    assert shell(steps["Restore, whatever happened"], **env).returncode == 0


def test_gitlab_ci_as_it_stands(place):
    write, shell, repository = place
    write(limit="20ms")
    job = yaml.safe_load((PIPELINES / "gitlab-ci.yml").read_text())["resilience"]
    done = shell(job["script"][-1])
    assert done.returncode == 1, done.stdout + done.stderr
    assert shell(job["after_script"][0]).returncode == 0
    reports = job["artifacts"]["reports"]
    found = json.loads((repository / reports["codequality"]).read_text())
    assert len(found) == 1 and found[0]["location"]["path"] == "resilience/checkout.toml" and found[0]["location"]["lines"]["begin"] > 20
    assert len({one["fingerprint"] for one in found}) == len(found) and found[0]["severity"] == "major"
    assert "<failure" in (repository / reports["junit"]).read_text()
    assert all((repository / path).exists() for path in job["artifacts"]["paths"])


def test_a_file_that_is_wrong_is_annotated_at_its_line(place):
    _, shell, repository = place
    (repository / "resilience/checkout.toml").write_text('[experiment]\nname = "x"\nduration = "1s"\n[[fault]]\nkind = "dsn"\nfor = "1s"\n')
    done = shell(github()["Gate"], GITHUB_ACTIONS="true")
    assert done.returncode == 2
    assert re.search(r"^::error file=resilience/checkout.toml,line=5,col=8::unknown kind 'dsn'; did you mean 'dns'\?$", done.stdout, re.M), done.stdout


def test_what_is_inconclusive_fails_the_gate_unless_it_is_let_pass(place):
    write, shell, repository = place
    text = (repository / "resilience/checkout.toml").read_text()
    (repository / "resilience/checkout.toml").write_text(text.replace('to = "10.77.0.2"\ndelay', 'to = "10.77.0.99"\ndelay'))
    done = shell(github()["Gate"], GITHUB_ACTIONS="true")
    assert done.returncode == 3 and "::warning file=resilience/checkout.toml,line=1,title=checkout is inconclusive::" in done.stdout, done.stdout
    assert shell(github()["Gate"], GATE_INCONCLUSIVE="pass").returncode == 0
    assert sh(PIPELINES / "gate", check=False).returncode == 2
