"""Checks that are programs: the start of one fails for the checker in the target, by BPF LSM or the tracepoint, and nothing else does."""

import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from lab import Lab, inject

DIED = -signal.SIGKILL


@pytest.fixture(scope="module")
def checker(isolated):
    """a host, its check, and another program that the check is like"""
    lab = Lab()
    host = lab.host("checker")
    folder = Path(tempfile.mkdtemp())
    for name in ("check", "check2"):
        (folder / name).write_text("#!/bin/sh\nexit 0\n")
        (folder / name).chmod(0o755)
    yield host, folder / "check", folder / "check2"
    lab.close()


def start(program, host=None):
    """How it went: an exit code, or DIED."""
    argv = ["/usr/bin/python3", "-c", "import subprocess,sys; print(subprocess.call(sys.argv[1:]))", str(program)]
    return int((host.run(*argv) if host else subprocess.run(argv, text=True, capture_output=True)).stdout)


def fails(host, program, *options):
    return inject(host, "health", "--protocol", "exec", "--exe", program, "--result", "not-serving", *options)


@pytest.mark.sanitize
def test_the_check_fails_where_it_was_asked_for_and_nowhere_else(checker):
    host, check, other = checker
    with fails(host, check) as fault:
        assert start(check, host) == DIED
        assert start(other, host) == 0
        assert start(check) == 0
        restored = fault.stop()
        assert (restored["hits"], restored["matched"], restored["whole"]) == (1, 1, True)
    assert start(check, host) == 0


def test_a_cycle_counts_starts(checker):
    host, check, _ = checker
    with fails(host, check, "--cycle", "fail=2,pass=1") as fault:
        assert [start(check, host) == 0 for _ in range(6)] == [False, False, True] * 2
        assert fault.stop()["hits"] == 4


def test_sigkill_gives_the_check_back(checker):
    host, check, _ = checker
    with fails(host, check) as fault:
        assert start(check, host) != 0
        fault.stop(signal.SIGKILL)
        assert start(check, host) == 0


def test_a_stopped_blackstart_hurts_for_no_longer_than_its_lease(checker):
    host, check, _ = checker
    with fails(host, check) as fault:
        fault.process.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        assert start(check, host) == 0
        fault.process.send_signal(signal.SIGCONT)
