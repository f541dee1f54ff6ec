"""Checks that are programs, where BPF is among the kernel's security modules: the start is refused before anything is loaded."""

import signal
import subprocess
from pathlib import Path

import pytest

from lab import inject

DIED = -signal.SIGKILL


def start(host, program):
    """Its exit code, or DIED: a child that is told that it cannot exec may take that for a check that passed."""
    return int(host.run("/usr/bin/python3", "-c", "import subprocess,sys; print(subprocess.call(sys.argv[1:]))", program).stdout)


@pytest.fixture
def checker(lab, tmp_path):
    """a host and two programs"""
    for name in ("check", "other"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / name).chmod(0o755)
    return lab.host("checker"), tmp_path / "check", tmp_path / "other"


def test_the_guests_have_bpf_among_their_security_modules():
    assert "bpf" in Path("/sys/kernel/security/lsm").read_text().split(",")


def test_a_check_is_refused_by_bpf_lsm(checker):
    host, check, other = checker
    with inject(host, "health", "--protocol", "exec", "--exe", check, "--result", "not-serving") as fault:
        assert fault.armed["how"] == "BPF LSM"  # not the tracepoint, which kernels without it get
        assert start(host, check) == DIED
        assert start(host, other) == 0
        assert subprocess.run([check]).returncode == 0  # another namespace
        assert fault.stop()["hits"] == 1
    assert start(host, check) == 0


def test_a_checker_that_is_refused_once_less_than_it_takes_sees_every_other_start(checker):
    host, check, _ = checker
    with inject(host, "health", "--protocol", "exec", "--exe", check, "--result", "not-serving", "--cycle", "fail=2,pass=1") as fault:
        assert fault.armed["how"] == "BPF LSM"
        assert [start(host, check) for _ in range(6)] == [DIED, DIED, 0] * 2
        assert fault.stop()["hits"] == 4
