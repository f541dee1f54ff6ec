"""What help and README show for `inject` runs as it stands: it is put in force, and Ctrl-C ends it."""

import re
import select
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import BLACKSTART, die_with_parent, sh

README = Path(__file__).resolve().parents[2] / "README.md"


def kinds():
    text = sh(BLACKSTART, "inject", "--help").stdout
    return re.findall(r"^  ([a-z]\S*)  ", text.split("OPTIONS]")[1], re.M)


def examples():
    """(where it stands, command)"""
    for kind in kinds():
        yield f"help of {kind}", sh(BLACKSTART, "inject", kind, "--help").stdout.splitlines()[1].strip()
    for line in README.read_text().splitlines():
        if line.startswith("    blackstart inject ") and "…" not in line:
            yield "README", line.split("#")[0].strip()


ALL = list(examples())


def test_every_kind_has_an_example():
    assert len(kinds()) >= 12 and len(ALL) > len(kinds())


@pytest.mark.parametrize("where, command", ALL, ids=[command.removeprefix("blackstart inject ") for _, command in ALL])
def test_an_example_runs_as_it_stands(lab, where, command):
    client, _ = lab.pair()
    word, *argv = shlex.split(command)
    assert word == "blackstart", where
    running = subprocess.Popen(client.argv(BLACKSTART, *argv), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
    try:
        ready, _, _ = select.select([running.stdout], [], [], 30)
        line = running.stdout.readline() if ready else ""
        named = {"--unit": "cgroup", "--netns": "no network namespace"}  # what an example names need not be here
        if not line and running.wait(5) == 4 and (words := [named[word] for word in argv if word in named]):
            assert words[0] in running.stderr.read()
            return
        assert line.startswith("armed"), running.communicate()
        time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)
        assert running.returncode == 130 and out.startswith("restored: "), (out, err)
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
