"""Meters on real traffic, runs under many seeds, and other expectations on an old run."""

import json
import subprocess

import pytest

from lab import BLACKSTART, sh

FILE = """
[experiment]
name = "record-goes-empty"
baseline = "3s"
duration = "{duration}"
{head}

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
server = "10.77.0.2"
query = "db.test"
every = "50ms"
timeout = "500ms"

[[meter]]
name = "queries"
target = "client"
count = "dns-queries"

{more}
"""

HELD = '[[expect]]\nprobe = "lookups"\nsuccess = ">= 80%"\nduring = "after"\n'


@pytest.fixture
def place(resolving, tmp_path):
    """(write, run folder): a writer of experiment files about a client that resolves db.test."""

    def write(more=HELD, name="db.test", duration="4s", head=""):
        file = tmp_path / "experiment.toml"
        file.write_text(FILE.format(netns=resolving, name=name, duration=duration, head=head, more=more))
        return file

    return write, tmp_path / "run"


def run(file, folder, *more):
    return sh(BLACKSTART, "run", file, "--out", folder, *more, check=False, timeout=90)


def events(folder, kind):
    lines = [json.loads(line) for line in (folder / "history.ndjson").read_text().splitlines()]
    return [line for line in lines if line.get("event") == kind]


@pytest.mark.sanitize
def test_a_meter_counts_queries_before_a_fault_answers_them(place):
    write, folder = place
    ended = run(write('[[expect]]\nmeter = "queries"\namplification = "<= 3x"\n' + '[[expect]]\nmeter = "queries"\nspread = "<= 3x"\n'), folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    counts = events(folder, "count")
    assert {count["meter"] for count in counts} == {"queries"}
    probed = len(events(folder, "observation"))
    seen = sum(count["count"] for count in counts)
    # Every probe's query, those that the fault answered among them; one that was under way at either end may be missing.
    assert probed - 5 <= seen <= probed + 2, (probed, seen)
    t0 = events(folder, "t0")[0]["t"]
    before = [count for count in counts if count["t"] < t0]
    assert all(count["t"] + count["length"] <= t0 for count in before) and sum(count["length"] for count in before) > 2.9e9
    assert json.loads((folder / "verdict.json").read_text())["expectations"][0]["meter"] == "queries"


def test_amplification_deviates_when_clients_ask_more(place, lab):
    write, folder = place
    client = lab.hosts[0]
    file = write('[[expect]]\nmeter = "queries"\namplification = "<= 3x"\n', duration="6s")
    running = subprocess.Popen([BLACKSTART, "run", file, "--out", folder], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert any("  armed: gone" in line for line in running.stderr)
    ask = client.start("sh", "-c", "for i in $(seq 400); do dig +tries=1 +time=1 @10.77.0.2 db.test @10.77.0.2 x.test @10.77.0.2 y.test; done",
                       stdout=subprocess.DEVNULL)
    out, err = running.communicate(timeout=60)
    ask.kill()
    assert running.returncode == 1, out + err
    assert out.startswith("DEVIATED: amplification of queries: "), out
    assert "explained   queries around then: " in out, out


def test_nothing_of_a_meter_is_left(place, lab):
    write, folder = place
    assert run(write(duration="3s"), folder).returncode == 0
    client = lab.hosts[0]
    assert "bpf" not in client.run("ip", "-d", "link", "show").stdout
    assert json.loads((folder / "verdict.json").read_text())["restored"]


def test_a_failing_verdict_explains_itself(place):
    write, folder = place
    ended = run(write('[[expect]]\nprobe = "lookups"\nnever_empty = true\n'), folder)
    assert ended.returncode == 1, ended.stderr
    assert "explained   lookups around then: " in ended.stdout, ended.stdout
    assert "before, at" in ended.stdout or "meanwhile, at" in ended.stdout, ended.stdout  # it is recorded once arming is over
    assert "gone was armed on client" in ended.stdout, ended.stdout
    before = (folder / "verdict.json").read_bytes()
    sh(BLACKSTART, "judge", folder, check=False)
    assert (folder / "verdict.json").read_bytes() == before


def test_other_expectations_are_tried_on_an_old_run(place, tmp_path):
    write, folder = place
    assert run(write(), folder).returncode == 0
    before = (folder / "verdict.json").read_bytes()
    other = tmp_path / "other.toml"
    other.write_text('[[expect]]\nprobe = "lookups"\nnever_below = "100%"\n')
    tried = sh(BLACKSTART, "judge", folder, "--expect", other, check=False)
    assert tried.returncode == 1 and tried.stdout.startswith("DEVIATED: never_below of lookups: 0 at the lowest"), tried.stdout
    assert (folder / "verdict.json").read_bytes() == before
    other.write_text('[[expect]]\nprobe = "lookup"\nnever_below = "100%"\n')
    tried = sh(BLACKSTART, "judge", folder, "--expect", other, check=False)
    assert tried.returncode == 2 and "other.toml:2:9: probe: unknown probe 'lookup'; did you mean 'lookups'?" in tried.stderr


def test_a_repeated_run_says_how_often_it_held(place):
    write, folder = place
    ended = run(write(duration="3500ms", head="repeat = 3\nseed = 7"), folder, "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = json.loads(ended.stdout)
    assert summary == json.loads((folder / "summary.json").read_text())
    assert (summary["runs"], summary["held"], summary["deviated_seeds"]) == (3, 3, [])
    seeds = [one["seed"] for one in summary["each"]]
    assert seeds[0] == 7 and len(set(seeds)) == 3
    for one in summary["each"]:
        head = json.loads((folder / one["folder"] / "history.ndjson").read_text().splitlines()[0])
        assert head["seed"] == one["seed"] and (folder / one["folder"] / "verdict.json").exists()


def test_repeat_and_seed_are_options_too(place):
    write, folder = place
    ended = run(write('[[expect]]\nprobe = "lookups"\nnever_empty = true\n', duration="2500ms"), folder, "--repeat", "2", "--seed", "9")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "record-goes-empty: 0 of 2 runs held, 0.00% (0.00% to " in ended.stdout, ended.stdout
    assert "deviated under --seed 9: 001\n" in ended.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["001", "002", "summary.json"]
