"""judge: the verdict from a run's folder alone, with the verdict's exit code, for whoever can read it."""
import json
import os
import subprocess

import pytest

from lab import BLACKSTART

EXPERIMENT = """
[experiment]
name = "by-hand"
baseline = "2s"
duration = "6s"
[target.web]
netns = "no-such-netns"
[[fault]]
name = "lie"
kind = "health"
target = "web"
at = "1s"
for = "4s"
port = 8080
path = "/healthz"
result = 503
[[probe]]
name = "customers"
kind = "exec"
run = ["no-such-program"]
every = "20ms"
[[expect]]
probe = "customers"
during = "fault"
success = ">= 95%"
"""


def history(failing=0, hits=9, end=True, whole=True, signal=None, experiment="by-hand"):
    ms = 1_000_000
    events = [(0, {"event": "baseline"}), (2000, {"event": "t0"}), (3000, {"event": "armed", "fault": "lie", "target": "web", "how": "tcx"})]
    tally = {"matched": 9, "hits": hits, "unseen": 0, "dropped": 0, "lapsed": False}
    events.append((7000, {"event": "disarmed", "fault": "lie", "target": "web", **tally}))
    for i in range(400):
        bad = 3500 <= i * 20 < 3500 + 20 * failing
        events.append((i * 20 + 5, {"event": "observation", "probe": "customers", "ok": not bad, "why": "exit 1" if bad else "", "latency": ms}))
    if signal:
        events.append((5000, {"event": "interrupted", "signal": signal}))
    if end:
        events += [(8100, {"event": "restored", "whole": whole, "left": [] if whole else ["link bsd0"]}), (8100, {"event": "end"})]
    head = {"format": "blackstart-history/1.0", "version": "0.1.0", "experiment": experiment, "seed": 1, "origin": "2026-11-23T06:31:09.123456789Z"}
    return "".join(json.dumps(line) + "\n" for line in [head] + [{"t": t * ms, **event} for t, event in events])


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "experiment.toml").write_text(EXPERIMENT)

    def made(**how):
        (folder / "history.ndjson").write_text(history(**how))
        return folder

    return made


def judge(folder, *options, **how):
    return subprocess.run([BLACKSTART, "judge", str(folder), *options], capture_output=True, timeout=20, **how)


@pytest.mark.parametrize("how, code, first_line", [
    ({}, 0, "HELD: every expectation was met, every fault was proved, the host is whole"),
    ({"failing": 60}, 1, "DEVIATED: success of customers during the fault: 70.00% (64.43% to 75.04%), limit >= 95%"),
    ({"failing": 8}, 3, "INCONCLUSIVE: success of customers during the fault: 96.00% (93.04% to 97.74%), limit >= 95%"),
    ({"hits": 0, "failing": 60}, 3, "INCONCLUSIVE: lie on web is not proved: it hit nothing"),
    ({"end": False}, 3, "INCONCLUSIVE: the history ends before the host was found whole:"),
    ({"signal": 2, "failing": 60}, 130, "INCONCLUSIVE: interrupted by SIGINT"),
    ({"signal": 15}, 143, "INCONCLUSIVE: interrupted by SIGTERM"),
    ({"whole": False, "signal": 15}, 5, "INCONCLUSIVE: the host is not whole: link bsd0"),
])
def test_the_exit_code_is_the_verdict(run, how, code, first_line):
    done = judge(run(**how))
    assert (done.returncode, done.stderr) == (code, b"")
    assert done.stdout.decode().startswith(first_line), done.stdout.decode()
    assert b"\x1b" not in done.stdout


def test_json_is_verdict_json_byte_for_byte(run):
    folder = run(failing=60)
    done = judge(folder, "--json")
    assert done.returncode == 1
    assert done.stdout == (folder / "verdict.json").read_bytes()
    verdict = json.loads(done.stdout)
    assert (verdict["format"], verdict["verdict"], verdict["exit_code"]) == ("blackstart-verdict/1.0", "deviated", 1)
    assert verdict["expectations"][0]["at"] == 1.505
    assert verdict["faults"] == [{"name": "lie", "target": "web", "hits": 9, "own_probe_hits": None, "proved": True, "why": ""}]


def test_an_old_verdict_is_never_read(run):
    folder = run()
    honest = judge(folder, "--json").stdout
    (folder / "verdict.json").write_text('{"verdict": "deviated"}')
    assert judge(folder, "--json").stdout == honest
    assert (folder / "verdict.json").read_bytes() == honest
    (folder / "verdict.json").unlink()
    (folder / "verdict.json").mkdir()  # cannot be replaced: judged all the same
    done = judge(folder, "--json")
    assert (done.returncode, done.stdout, done.stderr) == (0, honest, b"")
    assert sorted(path.name for path in folder.iterdir()) == ["experiment.toml", "history.ndjson", "verdict.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become nobody")
def test_needs_no_privilege_and_no_right_to_write(run, tmp_path):
    folder = run()
    honest = judge(folder, "--json").stdout
    (folder / "verdict.json").unlink()
    for path in [folder, *folder.parents]:
        if str(path).startswith(str(tmp_path.parent.parent)):
            path.chmod(0o755)
    done = judge(folder, "--json", user=65534, group=65534, extra_groups=[], env={"PATH": "/nowhere"})
    assert (done.returncode, done.stdout, done.stderr) == (0, honest, b"")
    assert not (folder / "verdict.json").exists()


def test_what_is_no_run_is_exit_2(run, tmp_path):
    assert judge(tmp_path / "nowhere").returncode == 2
    folder = run(experiment="another")
    done = judge(folder)
    assert done.returncode == 2 and b'the history is of "another"' in done.stderr and done.stdout == b""
    (folder / "history.ndjson").write_text(history() + "nonsense\n")
    done = judge(folder)
    assert done.returncode == 2 and b"history.ndjson:408: not JSON" in done.stderr
    (folder / "history.ndjson").unlink()
    assert judge(folder).returncode == 2


def test_a_whole_experiment_with_other_expectations_can_be_tried(run, tmp_path):
    folder = run()
    (tmp_path / "edited.toml").write_text(EXPERIMENT.replace(">= 95%", "<= 5%"))
    done = judge(folder, "--expect", str(tmp_path / "edited.toml"))
    assert done.returncode == 1 and done.stdout.startswith(b"DEVIATED: success of customers during the fault: 100.00%"), done
    assert b"edited.toml:2:2: 'experiment' is not read here: all but [[expect]] is as it was run\n" in done.stderr
