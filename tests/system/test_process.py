"""Processes that die, hang, or die again whenever they start; and come back whatever happens to blackstart."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import BLACKSTART, Injected, die_with_parent, sh

COUNT = "import sys, time\nwhile True:\n    print('.', end='', flush=True)\n    time.sleep(0.02)"

BUSY = "import os\nwhile True:\n    os.write(1, b'.')\n    for _ in range(50): os.getppid()"


@pytest.fixture
def victim(isolated, tmp_path):
    """A Python of its own that prints a dot every 20 ms, as long as it runs."""
    exe = tmp_path / "victim"
    shutil.copy("/usr/bin/python3", exe)
    started = []

    def start(threads=0, does=COUNT, **kw):
        more = f"import threading\nfor _ in range({threads}): threading.Thread(target=lambda: __import__('time').sleep(60), daemon=True).start()\n"
        child = subprocess.Popen([exe, "-c", (more if threads else "") + does], stdout=subprocess.PIPE, preexec_fn=die_with_parent, **kw)
        os.set_blocking(child.stdout.fileno(), False)
        started.append(child)
        until_runs(child)
        return child

    start.exe = exe
    yield start
    for child in started:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        child.wait()


def dots(child):
    with contextlib.suppress(BlockingIOError):
        return len(os.read(child.stdout.fileno(), 1 << 16))
    return 0


def runs(child, within=5.0):
    dots(child)
    until = time.monotonic() + within
    while time.monotonic() < until:
        if dots(child):
            return True
        time.sleep(0.01)
    return False


def until_runs(child):
    assert runs(child, 10), "it does not run"


def stands_still(child):
    dots(child)
    time.sleep(0.5)
    return child.poll() is None and dots(child) == 0


def process(*argv, **kw):
    argv = [str(a) for a in argv]
    return Injected("process", *argv, *([] if "--for" in argv else ["--for", "60s"]), **kw)


@contextlib.contextmanager
def cgroup(name):
    mount = next(line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup2 " in line)
    path = Path(mount) / name
    path.mkdir()
    try:
        yield path
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                path.rmdir()
                break
            time.sleep(0.05)


def moved(child, group):
    (group / "cgroup.procs").write_text(str(child.pid))
    return child


@pytest.mark.sanitize
def test_a_paused_process_stands_still_with_all_its_threads_and_runs_again(victim):
    paused, other = victim(threads=3), victim()
    with process("--pid", paused.pid, "--action", "pause") as fault:
        assert fault.armed["how"] == "ptrace"
        assert stands_still(paused)
        assert runs(other)
        restored = fault.stop()
        assert (restored["hits"], restored["matched"], restored["whole"]) == (1, 1, True)
    assert runs(paused)


def test_a_paused_process_runs_again_when_blackstart_is_killed(victim):
    child = victim()
    with process("--exe", victim.exe, "--action", "pause") as fault:
        assert stands_still(child)
        fault.stop(signal.SIGKILL)
        assert runs(child, 2)


def test_a_paused_process_runs_again_when_blackstart_stops(victim):
    child = victim()
    with process("--pid", child.pid, "--action", "pause") as fault:
        assert stands_still(child)
        fault.process.send_signal(signal.SIGSTOP)
        assert runs(child, 8), "the guardian did not end a stopped blackstart"
        assert fault.process.wait(5) == -signal.SIGKILL


def test_the_parent_of_a_paused_process_that_is_killed_hears_of_it(victim):
    child = victim()
    with process("--pid", child.pid, "--action", "pause"):
        child.kill()
        assert child.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize("does", [COUNT, BUSY], ids=["waits", "asks the kernel all the time"])  # where it stands still for its tracer each time
def test_a_process_that_is_traced_already_is_stopped_and_journalled(victim, does):
    child = victim(does=does)
    tracer = subprocess.Popen(["strace", "-qq", "-e", "trace=none", "-p", str(child.pid)], preexec_fn=die_with_parent)
    until = time.monotonic() + 10
    while f"TracerPid:\t{tracer.pid}" not in Path(f"/proc/{child.pid}/status").read_text() and time.monotonic() < until:
        time.sleep(0.02)
    for end in [signal.SIGTERM, signal.SIGKILL] * 3:
        with process("--pid", child.pid, "--action", "pause", json_output=True) as fault:
            assert fault.armed["how"] == "SIGSTOP, journalled"
            assert stands_still(child)
            fault.stop(end)
            assert runs(child), f"not continued after {end}"
    tracer.kill()
    tracer.wait()


def test_a_whole_cgroup_is_paused_and_nothing_beside_it(victim):
    with cgroup("blackstart-test-pause") as group:
        inside, outside = moved(victim(), group), victim()
        with process("--cgroup", group.name, "--action", "pause") as fault:
            assert stands_still(inside)
            assert runs(outside)
            assert fault.stop()["hits"] == 1
        assert runs(inside)
        inside.kill()
        inside.wait()


def test_a_frozen_cgroup_is_thawed_by_the_guardian(victim):
    with cgroup("blackstart-test-freeze") as group:
        child = moved(victim(), group)
        tracer = subprocess.Popen(["strace", "-qq", "-e", "trace=none", "-p", str(child.pid)], preexec_fn=die_with_parent)
        until = time.monotonic() + 10
        while f"TracerPid:\t{tracer.pid}" not in Path(f"/proc/{child.pid}/status").read_text() and time.monotonic() < until:
            time.sleep(0.02)
        with process("--cgroup", group.name, "--action", "pause") as fault:
            assert fault.armed["how"] == "cgroup freeze, journalled"
            assert stands_still(child)
            fault.stop(signal.SIGKILL)
            assert runs(child)
            assert (group / "cgroup.freeze").read_text().strip() == "0"
        tracer.kill()
        tracer.wait()
        child.kill()
        child.wait()


@pytest.mark.sanitize
def test_a_kill_is_for_those_that_were_selected(victim):
    ours, others = [victim(), victim()], subprocess.Popen(["sleep", "60"], preexec_fn=die_with_parent)
    with process("--exe", victim.exe, "--action", "kill", "--for", "1s") as fault:
        assert [child.wait(5) for child in ours] == [-signal.SIGKILL] * 2
        assert fault.finish() == (0, fault.restored)
        assert fault.restored["hits"] == 2
    assert others.poll() is None
    others.kill()
    others.wait()


def test_a_crash_loop_kills_at_each_start_and_ends(victim):
    child = victim()
    with process("--exe", victim.exe, "--action", "crash-loop") as fault:
        assert child.wait(5) == -signal.SIGKILL
        for _ in range(20):
            done = subprocess.run([victim.exe, "-c", "print('alive')"], capture_output=True, text=True, timeout=20)
            assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
        assert sh("/usr/bin/python3", "-c", "print('alive')").stdout == "alive\n", "another file of the same program"
        assert fault.stop()["hits"] == 21
    assert sh(victim.exe, "-c", "print('alive')").stdout == "alive\n"


def test_a_crash_loop_follows_a_program_that_is_replaced(victim, tmp_path):
    with process("--exe", victim.exe, "--action", "crash-loop"):
        shutil.copy("/usr/bin/python3", tmp_path / "new")
        (tmp_path / "new").rename(victim.exe)
        time.sleep(1)
        assert subprocess.run([victim.exe, "-c", ""], timeout=20).returncode == -signal.SIGKILL


def test_a_crash_loop_of_a_cgroup_outlives_the_cgroup(victim):
    def started_in(group):
        script = f"echo $$ > {group}/cgroup.procs; exec {victim.exe} -c ''"
        return subprocess.run(["sh", "-c", script], timeout=20).returncode

    with cgroup("blackstart-test-loop") as group:
        child = moved(victim(), group)
        with process("--cgroup", group.name, "--action", "crash-loop"):
            assert child.wait(5) == -signal.SIGKILL
            assert started_in(group) == -signal.SIGKILL
            for _ in range(100):
                with contextlib.suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.02)
            group.mkdir()  # as systemd does at a restart: the same name, another id
            assert started_in(group) == -signal.SIGKILL
            assert sh(victim.exe, "-c", "print('outside')").stdout == "outside\n"
        assert started_in(group) == 0


def test_a_crash_loop_by_count_lets_some_start(victim):
    with process("--exe", victim.exe, "--action", "crash-loop", "--cycle", "fail=2,pass=1"):
        codes = [subprocess.run([victim.exe, "-c", ""], timeout=20).returncode for _ in range(6)]
        assert codes == [-9, -9, 0, -9, -9, 0]


def test_a_pause_by_time_comes_and_goes(victim):
    child = victim()
    with process("--pid", child.pid, "--action", "pause", "--cycle", "on=1500ms,off=1500ms") as fault:
        for _ in range(2):
            until = time.monotonic() + 10
            while not stands_still(child):
                assert time.monotonic() < until
            assert runs(child, 10)
        restored = fault.stop()
        assert restored["hits"] >= 2 and restored["whole"]
    assert runs(child)


def test_a_pause_by_count_is_one_of_processes(victim):
    children = [victim() for _ in range(4)]
    with process("--exe", victim.exe, "--action", "pause", "--cycle", "fail=1,pass=1") as fault:
        assert sum(stands_still(child) for child in children) == 2
        assert fault.stop()["hits"] == 2


def test_a_kill_by_time_is_repeated(victim):
    first = victim()
    with process("--exe", victim.exe, "--action", "kill", "--cycle", "on=200ms,off=800ms") as fault:
        assert first.wait(5) == -signal.SIGKILL
        second = victim()
        assert second.wait(10) == -signal.SIGKILL
        assert fault.stop()["hits"] == 2


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_crash_loop_ends_with_blackstart(victim, end):
    victim()
    with process("--exe", victim.exe, "--action", "crash-loop") as fault:
        assert subprocess.run([victim.exe, "-c", ""], timeout=20).returncode == -signal.SIGKILL
        fault.process.send_signal(end)
        until = time.monotonic() + 8
        while (code := subprocess.run([victim.exe, "-c", ""], timeout=20).returncode) != 0 and time.monotonic() < until:
            time.sleep(0.05)
        assert code == 0
        fault.process.kill()


def refused(*argv):
    done = subprocess.run([BLACKSTART, "inject", "process", *[str(a) for a in argv], "--for", "5s"], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr


def test_what_is_protected_is_refused(isolated):
    code, said = refused("--pid", 1, "--action", "pause")
    assert code == 4 and "protected" in said
    code, said = refused("--pid", os.getpid(), "--action", "kill")
    assert code == 4 and "protected" in said
    code, said = refused("--exe", os.path.realpath(BLACKSTART), "--action", "kill")
    assert code == 4 and "blackstart itself" in said
    assert refused("--cgroup", "/", "--action", "kill")[0] == 4


def test_more_than_allowed_is_refused_before_anything_is_touched(victim):
    children = [victim(), victim()]
    code, said = refused("--exe", victim.exe, "--action", "kill", "--at-most", 1)
    assert code == 4 and "2 processes would be hit" in said
    assert all(runs(child) for child in children)


def test_what_is_not_there_is_refused(isolated):
    assert refused("--exe", "/no/such/program", "--action", "kill")[0] == 4
    assert refused("--exe", "program", "--action", "kill")[0] == 2
    assert refused("--unit", "no-such.service", "--action", "kill")[0] == 4
    assert refused("--pid", 5, "--action", "crash-loop")[0] == 2
    assert refused("--action", "kill")[0] == 2
