"""A run on a terminal: drawn in place, whatever its size; and off one: plain lines. The terminal is a pty, read by an emulator."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from lab import BLACKSTART, die_with_parent, sh

pyte = pytest.importorskip("pyte")

FILE = """
[experiment]
name = "watched"
baseline = "1s"
duration = "{duration}"
[target.client]
netns = "{netns}"
[[fault]]
name = "gone"
kind = "dns"
target = "client"
at = "500ms"
for = "1500ms"
names = ["db.test"]
answer = "timeout"
[[probe]]
name = "well"
kind = "exec"
run = ["true"]
every = "50ms"
[[probe]]
name = "broken"
kind = "exec"
run = ["false"]
every = "50ms"
baseline = false
[[guard]]
probe = "well"
trips = "success < 10%"
[[expect]]
probe = "well"
success = ">= 50%"
[[expect]]
probe = "broken"
success = ">= 90%"
during = "fault"
"""


@pytest.fixture
def write(lab, tmp_path):
    host = lab.host("client")

    def made(duration="3s"):
        file = tmp_path / "watched.toml"
        file.write_text(FILE.format(netns=host.name, duration=duration))
        return file

    return made


class Terminal:
    """A command on a terminal of its own, and what stands on it."""

    def __init__(self, *argv, columns=100, rows=24, **env):
        self.columns, self.rows = columns, rows
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.process = subprocess.Popen([str(a) for a in argv], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=self._own, env={**os.environ, "TERM": "xterm-256color", **env})
        os.close(slave)
        self.screen = pyte.HistoryScreen(columns, rows, history=1000)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""

    @staticmethod
    def _own():
        die_with_parent()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if hasattr(self, "screen"):
            self.screen.resize(rows, columns)
        self.columns, self.rows = columns, rows

    def read(self, until, timeout=30):
        """Until a text stands on the screen, or the end (None)."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if until is not None and until in self.text():
                return self.text()
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if not ready:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            if not data:
                assert until is None, f"it ended before {until!r}: {self.text()}"
                return self.text()
            self.raw += data
            self.stream.feed(data)
        raise AssertionError(f"no {until!r} on the screen:\n{self.text()}")

    def text(self):
        above = ["".join(line[x].data for x in range(self.columns) if x in line) for line in self.screen.history.top]
        return "\n".join(line.rstrip() for line in [*above, *self.screen.display]).rstrip()

    def finish(self):
        self.read(None)
        code = self.process.wait(20)
        os.close(self.master)
        return code


def test_a_run_is_drawn_in_place_and_says_what_is_lost(write, tmp_path):
    terminal = Terminal(BLACKSTART, "run", write(), "--out", tmp_path / "run", columns=72)
    assert "to t0" in terminal.read("watched  baseline")
    text = terminal.read("IN FORCE")
    assert re.search(r"probe  well +100\.00% of", text) and "p99" in text and "guard  success < 10% of well over 5s" in text
    terminal.read("lost   success of broken during the fault cannot be met any more")
    code = terminal.finish()
    text = terminal.text()
    assert code == 3, text  # the fault hit nothing
    assert text.count("watched  ") == 1, text  # one picture, redrawn, and not a trail of them
    assert "restored, the host is whole" in text and "INCONCLUSIVE" in text
    assert b"\x1b[2J" not in terminal.raw  # in place: the screen is never cleared


def test_narrowing_and_widening_leaves_one_picture(write, tmp_path):
    terminal = Terminal(BLACKSTART, "run", write(duration="5s"), "--out", tmp_path / "run")
    terminal.read("observing")
    for columns, rows in ((44, 12), (120, 30), (60, 8), (100, 24)):
        terminal.resize(columns, rows)
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            terminal.read("watched")
            ready, _, _ = select.select([terminal.master], [], [], 0.05)
            if ready:
                data = os.read(terminal.master, 65536)
                terminal.raw += data
                terminal.stream.feed(data)
        shown = "\n".join(terminal.screen.display)
        assert shown.count("watched  ") == 1, shown
    assert terminal.finish() == 3


def test_ctrl_c_restores_first_and_then_says_so(write, tmp_path):
    terminal = Terminal(BLACKSTART, "run", write(duration="30s"), "--out", tmp_path / "run")
    terminal.read("IN FORCE")
    os.write(terminal.master, b"\x03")
    assert terminal.finish() == 130
    text = terminal.text()
    assert text.index("restored: gone on client") < text.index("interrupted, and everything is restored")


def test_off_a_terminal_lines_are_plain_and_quiet_says_nothing(write, tmp_path):
    plain = sh(BLACKSTART, "run", write(), "--out", tmp_path / "a", check=False)
    assert "\x1b" not in plain.stderr + plain.stdout and "  armed: gone on client" in plain.stderr
    quiet = sh(BLACKSTART, "run", write(), "--out", tmp_path / "b", "--quiet", check=False)
    assert quiet.stderr == "" and quiet.stdout.startswith("INCONCLUSIVE")


@pytest.mark.parametrize("env, argv", [({"TERM": "dumb"}, []), ({}, ["--quiet"])])
def test_a_terminal_that_cannot_and_quiet_are_not_drawn_on(write, tmp_path, env, argv):
    terminal = Terminal(BLACKSTART, "run", write(duration="2s"), "--out", tmp_path / "run", *argv, NO_COLOR="1", **env)
    terminal.finish()
    assert b"\x1b" not in terminal.raw
    assert (b"armed: gone" in terminal.raw) == (not argv)


def test_no_colour_where_none_is_wanted(write, tmp_path):
    terminal = Terminal(BLACKSTART, "run", write(duration="2s"), "--out", tmp_path / "run", NO_COLOR="1")
    terminal.finish()
    assert b"\x1b[31m" not in terminal.raw and b"\x1b[1m" not in terminal.raw


def test_a_run_waits_for_its_time_and_may_be_stopped_before(write, tmp_path):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    begun = time.time()
    ended = sh(BLACKSTART, "run", write(), "--out", tmp_path / "a", "--start-at", at, check=False)
    assert ended.returncode == 3 and f"waiting until {at}" in ended.stderr
    assert time.time() - begun > 5.5
    waiting = subprocess.Popen([BLACKSTART, "run", write(), "--out", tmp_path / "b", "--start-at", "00:00"], stderr=subprocess.PIPE, text=True,
                               preexec_fn=die_with_parent)
    assert "waiting until" in waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=10)
    assert waiting.returncode == 130 and "nothing was touched" in said and not (tmp_path / "b").exists()


def test_a_run_is_refused_that_takes_longer_than_its_ttl_and_ended_where_it_does(write, tmp_path):
    refused = sh(BLACKSTART, "run", write(), "--out", tmp_path / "a", "--ttl", "3s", check=False)
    assert refused.returncode == 2 and "--ttl" in refused.stderr and not (tmp_path / "a").exists()
    assert sh(BLACKSTART, "run", write(), "--out", tmp_path / "b", "--ttl", "1m", check=False).returncode == 3
