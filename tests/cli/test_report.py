"""report: what pipelines and people read of a recorded run, each format by a reader of its own kind; the page in a real browser."""
import html
import json
import os
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from test_judge import EXPERIMENT, history

from lab import BLACKSTART

HOSTILE = '<script>document.title=\\"owned\\"</script><img src=x onerror=alert(1)>'
MS = 1_000_000


@pytest.fixture
def run(tmp_path):
    """Makes a run folder by hand; `expect`: more of the experiment file."""

    def made(name="run", expect="", title="A title", **how):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "experiment.toml").write_text(EXPERIMENT.replace('name = "by-hand"', f'name = "by-hand"\ntitle = "{title}"') + expect)
        (folder / "history.ndjson").write_text(history(**how))
        return folder

    return made


def report(folder, *options, code=0):
    done = subprocess.run([BLACKSTART, "report", str(folder), *map(str, options)], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def verdict(folder):
    return json.loads(subprocess.run([BLACKSTART, "judge", str(folder), "--json"], capture_output=True, timeout=20).stdout)


TWICE = '[[expect]]\nprobe = "customers"\nduring = "fault"\nsuccess = ">= 95%"\n[[expect]]\nprobe = "customers"\nsuccess = ">= 50%"\n'


def test_junit_has_one_testcase_an_expectation_with_a_name_of_its_own(run):
    suite = ElementTree.fromstring(report(run(expect=TWICE, failing=60), "--junit", "-")).find("testsuite")
    cases = suite.findall("testcase")
    assert len({case.get("name") for case in cases}) == len(cases) == 3 == int(suite.get("tests"))
    assert {case.get("classname") for case in cases} == {"by-hand"}
    assert [[child.tag for child in case] for case in cases] == [["failure"], ["failure"], []]
    assert suite.get("failures") == "2" and suite.get("errors") == "0"
    assert "70.00%" in cases[0].find("failure").get("message")


@pytest.mark.parametrize("how", [{}, {"failing": 60}, {"hits": 0}, {"whole": False}, {"signal": 15}, {"end": False}])
def test_junit_is_as_its_schema_asks(run, tmp_path, how):
    if not shutil.which("xmllint"):
        pytest.skip("xmllint is missing: scripts/setup test")
    file = tmp_path / "junit.xml"
    report(run(expect=TWICE, title=HOSTILE, **how), "--junit", file)
    schema = Path(__file__).parent / "junit.xsd"
    done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", schema, file], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", [{"hits": 0}, {"whole": False}, {"end": False}, {"signal": 15}])
def test_junit_is_never_green_without_proof_or_with_a_host_that_is_not_whole(run, how):
    suite = ElementTree.fromstring(report(run(**how), "--junit", "-")).find("testsuite")
    assert suite.get("errors") == "1" and suite.find("testcase/error") is not None


def test_markdown_is_small_and_what_a_server_said_is_no_markup(run):
    many = "".join(f'[[expect]]\nprobe = "customers"\nsuccess = ">= {n / 100}%"\n' for n in range(1, 1500))
    text = report(run(title=HOSTILE, expect=many, failing=60), "--markdown", "-")
    assert len(text.encode()) < 100_000 and "<script>" not in text and "<img" not in text
    assert text.startswith("## ❌ by-hand: deviated") and "70.00%" in text


def test_ndjson_has_its_format_first_and_one_line_a_thing(run):
    lines = [json.loads(line) for line in report(run(), "--ndjson", "-").splitlines()]
    assert lines[0]["format"].startswith("blackstart-report/1.") and lines[0]["verdict"] == "held"
    assert [line["kind"] for line in lines[1:3]] == ["fault", "expectation"]
    assert {line["event"] for line in lines[3:]} == {"baseline", "t0", "armed", "disarmed", "restored", "end"}


def test_prometheus_reads_as_its_format_asks(run):
    text = report(run(), "--prometheus", "-")
    sample = re.compile(r'[a-z_]+\{experiment="by-hand"(,[a-z_]+="([^"\\]|\\.)*")*\} -?[0-9.e+]+')
    lines = text.splitlines()
    assert all(line.startswith("# ") or sample.fullmatch(line) for line in lines), text
    assert 'blackstart_verdict{experiment="by-hand",verdict="held"} 1' in lines
    assert 'blackstart_fault_hits{experiment="by-hand",fault="lie",target="web"} 9' in lines


def test_otlp_is_a_trace_whose_root_is_the_run(run):
    folder = run()
    trace = json.loads(report(folder, "--otlp", "-"))
    spans = trace["resourceSpans"][0]["scopeSpans"][0]["spans"]
    root, *others = spans
    assert {span["name"] for span in others} == {"baseline", "observation", "fault lie on web"}
    assert all(span["parentSpanId"] == root["spanId"] and span["traceId"] == root["traceId"] for span in others)
    assert all(len(span["traceId"]) == 32 and len(span["spanId"]) == 16 for span in spans)
    fault = next(span for span in spans if span["name"].startswith("fault"))
    assert int(fault["endTimeUnixNano"]) - int(fault["startTimeUnixNano"]) == 4000 * MS
    assert int(root["startTimeUnixNano"]) == 1795415469123456789
    assert json.loads(report(folder, "--otlp", "-")) == trace


def test_chaostoolkit_journal_says_deviated_only_if_it_did(run):
    held, deviated = (json.loads(report(run(name, failing=n), "--chaostoolkit", "-")) for name, n in (("a", 0), ("b", 60)))
    assert (held["status"], held["deviated"]) == ("completed", False) and (deviated["status"], deviated["deviated"]) == ("failed", True)
    assert held["start"] == "2026-11-23T06:31:09.123456789Z"


def test_several_at_once_each_whole_or_not_at_all(run, tmp_path):
    report(run(), "--html", tmp_path / "r.html", "--junit", tmp_path / "r.xml")
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>") and (tmp_path / "r.xml").exists()
    assert "cannot write" in report(tmp_path / "run", "--junit", tmp_path / "nowhere" / "x.xml", code=2)
    assert "nothing to write" in report(tmp_path / "run", code=2)


METER = '[[meter]]\nname = "checks"\ntarget = "web"\ncount = "connections"\nport = 8080\n'


def metered(run):
    """A run with a meter: ten a second in the baseline, forty from t0 on."""
    folder = run(expect=METER)
    with open(folder / "history.ndjson", "a") as file:
        for second in range(8):
            count = {"t": second * 1000 * MS, "event": "count", "meter": "checks", "count": 10 if second < 2 else 40, "length": 1000 * MS}
            file.write(json.dumps(count) + "\n")
    return folder


def test_what_is_no_file_is_written_and_not_replaced(run, tmp_path):
    folder = run()
    text = report(folder, "--markdown", "-")
    (tmp_path / "out").symlink_to("/proc/self/fd/1")  # as /dev/stdout is
    assert report(folder, "--markdown", tmp_path / "out") == text
    begun = tmp_path / "summary.md"
    begun.write_text("begun\n")
    with begun.open("a") as out:
        subprocess.run([BLACKSTART, "report", folder, "--markdown", tmp_path / "out"], stdout=out, check=True, timeout=60)
    assert begun.read_text() == "begun\n" + text
    assert (tmp_path / "out").readlink() == Path("/proc/self/fd/1")

    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE, text=True)
    report(folder, "--markdown", tmp_path / "pipe")
    assert reader.communicate(timeout=20)[0] == text and (tmp_path / "pipe").is_fifo()

    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    report(folder, "--markdown", tmp_path / "link.md")
    assert (tmp_path / "real.md").read_text() == text and (tmp_path / "link.md").is_symlink()
    assert "Is a directory" in report(folder, "--markdown", tmp_path, code=2)


def test_what_meters_counted_is_told_and_drawn(run, tmp_path):
    folder = metered(run)
    told = [json.loads(line) for line in report(folder, "--ndjson", "-").splitlines()]
    assert [line["what"] for line in told if line.get("event") == "count"] == [
        "in the baseline: 20 in 2.0s, 10 in the highest second", "from t0 on: 240 in 6.0s, 40 in the highest second"]
    report(folder, "--html", tmp_path / "r.html")
    text, console, _ = browse(tmp_path / "r.html", tmp_path)
    assert console == [] and "checks: a second" in text and "connections to port 8080" in text


def test_compare_says_what_is_different(run):
    text = report(run("new", failing=60), "--compare", run("old"))
    assert "held: 100.00%" in text and "-> deviated: 70.00%" in text and "alike" in text
    assert "-> deviated" not in report(run("same"), "--compare", run("again"))


# ---- the page -------------------------------------------------------------------------------------------------------


def browse(page, tmp_path):
    """(document after its scripts, what the console said, seconds). The page forbids itself the network: a try would be on the console."""
    if not shutil.which("chromium"):
        pytest.skip("chromium is missing: scripts/setup test")
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
    start = time.monotonic()
    done = subprocess.run(["chromium", *quiet, f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr",
                           "--virtual-time-budget=10000", "--dump-dom", f"file://{page}"], capture_output=True, text=True, timeout=120)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console, time.monotonic() - start


def test_the_page_shows_the_verdict_asks_nothing_and_runs_nothing_of_others(run, tmp_path):
    folder = run(title=HOSTILE, expect=TWICE, failing=60)
    page = tmp_path / "r.html"
    report(folder, "--html", page)
    assert "default-src 'none'" in page.read_text()
    text, console, _ = browse(page, tmp_path)
    assert console == []
    assert 'data-ready="yes"' in text and "<canvas" in text
    judged = verdict(folder)
    body = html.unescape(re.sub(r"<script[\s>].*?</script>", "", text, flags=re.S))
    assert judged["reason"] in body and "DEVIATED" in body
    for expectation in judged["expectations"]:
        assert f'<td>{expectation["observed"]}</td>' in body and f'<td>{expectation["samples"]}</td>' in body
    assert "<title>deviated: by-hand</title>" in text
    assert "&lt;script&gt;" in text and "<img" not in re.sub(r"<script[\s>].*?</script>", "", text, flags=re.S)


def test_a_hundred_thousand_observations_open(run, tmp_path):
    folder = run()
    lines = (folder / "history.ndjson").read_text().splitlines()
    one = {"event": "observation", "probe": "customers", "ok": True, "why": "", "latency": MS}
    lines += [json.dumps({"t": i * 80_000 + 1, **one}) for i in range(100_000)]
    (folder / "history.ndjson").write_text("\n".join(lines) + "\n")
    report(folder, "--html", tmp_path / "r.html")
    text, console, seconds = browse(tmp_path / "r.html", tmp_path)
    assert 'data-ready="yes"' in text and console == []
    assert seconds < 60  # two, on an idle machine; most of it is the browser's own start
