"""What a user sees of the command line: help, errors, exit codes. BLESS=1 writes the golden files anew."""

import os
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from lab import BLACKSTART

GOLDEN = Path(__file__).parent / "golden"
REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = ["run", "check", "plan", "judge", "report", "runs", "runs show", "runs prune", "inject", "inject dns", "inject latency", "inject health", "inject http", "inject loss", "inject corrupt", "inject duplicate", "inject reorder", "inject bandwidth", "inject partition", "inject reset", "inject process", "drills", "drills new", "doctor", "status", "restore"]

RIGHT = """[experiment]
name = "x"
duration = "30s"
[[fault]]
kind = "dns"
names = "db.test"
answer = "empty"
for = "10s"
[[probe]]
name = "p"
kind = "tcp"
address = "10.0.0.1:80"
every = "100ms"
[[expect]]
probe = "p"
success = ">= 99%"
"""


def run(*argv, **kw):
    return subprocess.run([BLACKSTART, *argv], text=True, capture_output=True, timeout=30, stdin=subprocess.DEVNULL, **kw)


def wrong(*argv):
    """The diagnostics of a command that is refused: exit 2, nothing on stdout."""
    done = run(*argv)
    assert (done.returncode, done.stdout) == (2, ""), done
    return done.stderr


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_a_screen_that_begins_with_an_example(command):
    done = run(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) <= (32 if command.startswith("inject") else 24)  # one line a kind; the options of a kind are the keys of its table
    assert max(map(len, lines)) <= 80
    assert lines[0] == "Example:"
    assert "blackstart " + command in lines[1]
    golden = GOLDEN / f"help{''.join('-' + word for word in command.split())}.txt"
    if os.environ.get("BLESS"):
        golden.write_text(done.stdout)
    assert done.stdout == golden.read_text()


def test_short_help_is_help():
    assert run("inject", "dns", "-h").stdout == run("inject", "dns", "--help").stdout


def test_version_names_the_commit():
    done = run("--version")
    assert done.returncode == 0
    word, version, commit = done.stdout.split()
    assert word == "blackstart" and version[0].isdigit() and commit.startswith("(") and commit.endswith(")")


def test_without_a_command_help_goes_to_stderr():
    assert wrong() == run("--help").stdout


@pytest.mark.parametrize(
    "argv, said",
    [
        ("injct dns", "blackstart: unknown command 'injct'; did you mean 'inject'?"),
        ("report", "blackstart report: no RUN given"),
        ("inject", "blackstart inject: no KIND given; expected dns, latency, health, http, loss, corrupt, duplicate, reorder, bandwidth, partition, reset, process or surge"),
        ("inject dnss", "blackstart inject: unknown kind 'dnss'; did you mean 'dns'?"),
        ("inject dns --nmae x", "blackstart inject dns: unknown option '--nmae'; did you mean '--name'?"),
        ("inject dns --nmae=x", "blackstart inject dns: unknown option '--nmae'; did you mean '--name'?"),
        ("inject dns db.test", "blackstart inject dns: unexpected 'db.test'"),
        ("inject dns --name", "--name: its value is missing"),
        ("check --jsn x", "blackstart check: unknown option '--jsn'"),
        ("check", "blackstart check: no FILE given"),
        ("run", "blackstart run: no FILE|DRILL given"),
        ("judge", "blackstart judge: no RUN given"),
        ("judge nosuch", "no run 'nosuch': neither a folder nor kept in /var/lib/blackstart/runs; `blackstart runs` lists what is"),
        ("runs show", "blackstart runs show: no ID given: `blackstart runs` lists them, and 'last' is the newest"),
        ("runs prune", "blackstart runs prune: nothing says which: give --keep N, --older-than DURATION, or both"),
        ("runs prune --keep -1", "--keep: expected a whole number from 0 to 1000000, not -1"),
        ("runs shwo", "blackstart runs: unknown command 'shwo'; did you mean 'show'?"),
        ("run all-check-lie", "'all-check-lie' is neither a file nor a shipped drill; did you mean 'all-checks-lie'?"),
        ("plan nothing-like-it", "'nothing-like-it' is neither a file nor a shipped drill: `blackstart drills` lists them"),
        ("run x.toml --start-at noon", "--start-at: 'noon' is no time: expected one such as \"14:30\", \"14:30:05\" or \"2026-11-23T14:30:00Z\""),
        ("run x.toml --start-at 24:00", "--start-at: '24:00' is no time: expected one such as \"14:30\", \"14:30:05\" or \"2026-11-23T14:30:00Z\""),
        ("run x.toml --ttl 10", "--ttl: '10' has no unit: did you mean '10s'?"),
        ("run --plan /nowhere/plan.json", "cannot read /nowhere/plan.json: No such file or directory"),
        ("report last --hmtl x", "blackstart report: unknown option '--hmtl'; did you mean '--html'?"),
        ("status --jsn", "blackstart status: unknown option '--jsn'; did you mean '--json'?"),
        ("doctor x", "blackstart doctor: unexpected 'x'"),
    ],
)
def test_a_wrong_word_is_told_with_the_nearest_right_one(argv, said):
    assert wrong(*argv.split()).splitlines()[0] == said


DNS = "inject dns --name db.test --answer empty --for 1s "
LATENCY = "inject latency --to 10.0.0.1 --delay 5ms --for 1s "
HEALTH = "inject health --port 80 --result 503 --for 1s "


@pytest.mark.parametrize(
    "argv, said",
    [
        ("inject dns --name db.test --answer empty", "--for is required: how long it lasts; no fault is without an end"),
        ("inject dns --name db.test --for 1s --answer emtpy", "--answer: unknown answer 'emtpy'; did you mean 'empty'?"),
        ("inject dns --name db.test --for 1s --answer 10.0.0.300", "--answer: '10.0.0.300' is no IPv4 or IPv6 address"),
        ("inject dns --name db.test --for 1s", "nothing is told: say 'answer', 'delay', or 'turns' and 'turn'"),
        (DNS + "--opcode updaet", "--opcode: unknown opcode 'updaet'; did you mean 'update'?"),
        (DNS + "--ttl 5", "ttl: only addresses have one: the answer 'empty' holds none"),
        (DNS + "--negative-ttl -1", "--negative-ttl: expected 0 to 604800 seconds (a week), not -1"),
        (DNS + "--type AAA", "--type: unknown record type 'AAA'; did you mean 'AAAA'?"),
        (DNS + "--port 70000", "--port: expected a whole number from 1 to 65535, not 70000"),
        (DNS + "--probability 130%", "--probability: a share is at most 100%, not 130%"),
        (DNS + "--probability 0%", "--probability: a share of 0% would never act: expected above 0%, up to 100%"),
        (DNS + "--cycle fail=3", "--cycle: 'fail' and 'pass' go together"),
        (DNS + "--cycle fial=3,pass=1", "--cycle: unknown key 'fial' in cycle; did you mean 'fail'?"),
        (DNS + "--for 2s", "--for: given 2 times: expected once"),
        (DNS + "--netns pid:x", "--netns: 'pid:x' is no process id: expected pid:N"),
        (DNS + "--seed -1", "--seed: expected a whole number of at least 0, not -1"),
        (LATENCY + "--to 10.0.0.0/99", "--to: '10.0.0.0/99' is no network: its prefix length is from 0 to 32"),
        ("inject latency --to any --for 1s --delay -5ms", "--delay: a duration cannot be negative: '-5ms'"),
        ("inject latency --to any --for 1s --delay 5", "--delay: '5' has no unit: did you mean '5s'?"),
        ("inject latency --to any --for 1s --delay 2s", "delay: '2s' is as long as the fault itself, or longer"),
        ("inject latency --for 1s --delay 5ms", "nothing is matched: say to, from, port or protocol; to 'any' means all traffic"),
        (LATENCY + "--protocol tpc", "--protocol: unknown protocol 'tpc'; did you mean 'tcp'?"),
        ("inject health --port 80 --for 1s --result 204",
         "--result: a status is 200 to 599, without 204 and 304 (they have no body), not 204"),
        ("inject health --port 80 --for 1s --protocol http2 --result 503", "health: http2 checks can be shown 200, 206, 400, 404 or 500, not 503: the others have no code of one octet"),
        ("inject health --port 80 --for 1s --protocol grcp --result reset", "--protocol: unknown protocol 'grcp'; did you mean 'grpc'?"),
        ("inject health --port 80 --for 1s --protocol tcp --result pass", "health: with protocol tcp the result can be timeout, reset or slow, not pass"),
        (HEALTH + "--sni a.test", "health: under TLS no answer can be changed: the result can be timeout, reset or slow, not a status"),
        (HEALTH + "--delay 10ms", "health: delay goes with result slow, and slow with a delay"),
        ("inject health --for 1s --result 503", "health: the port of the checked service is required, 1 to 65535"),
        ("inject health --for 1s --protocol exec --result not-serving", "health: exe goes with protocol exec, and protocol exec with exe"),
        ("inject http --port 80 --for 1s --host shop.test:8080", "--host: a host is matched on any port: did you mean 'shop.test'?"),
        ("inject http --port 80 --for 1s --host [fd00::1]:8080", "--host: a host is matched on any port: did you mean '[fd00::1]'?"),
        (HEALTH + "--path healthz", "--path: a path begins with '/': did you mean '/healthz'?"),
    ],
)
def test_a_value_that_cannot_be_is_refused(argv, said):
    assert said in wrong(*argv.split()).splitlines()


def test_every_wrong_option_is_told():
    said = wrong("inject", "dns", "--name", "a..b", "--answer", "x", "--port", "0").splitlines()
    assert [line.split(":")[0] for line in said] == ["--name", "--port", "--answer", "--for is required"]


def test_check_tells_of_each_file(tmp_path):
    right, broken = tmp_path / "right.toml", tmp_path / "broken.toml"
    right.write_text(RIGHT)
    broken.write_text(RIGHT.replace("empty", "emtpy").replace("tcp", "tpc"))
    done = run("check", str(right))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{right}: ok\n", "")
    done = run("check", str(broken), str(tmp_path / "none"), str(right))
    assert (done.returncode, done.stdout) == (2, f"{right}: ok\n")
    assert done.stderr.splitlines() == [
        f"{broken}:7:10: answer: unknown answer 'emtpy'; did you mean 'empty'?",
        f"{broken}:11:8: unknown kind 'tpc'; did you mean 'tcp'?",
        f"cannot read {tmp_path}/none: No such file or directory",
    ]


def test_check_warns_and_goes_on(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text(RIGHT.replace('"100ms"', '"1s"'))
    done = run("check", str(file))
    assert done.returncode == 0
    assert f"{file}:16:11: warning: success >= 99%: the time from t0 holds 30 observations of 'p'; it takes 268 to show that" in done.stderr


def test_check_lives_through_truncations(tmp_path):
    file = tmp_path / "x.toml"
    for end in range(0, len(RIGHT), 23):
        file.write_text(RIGHT[:end])
        assert run("check", str(file)).returncode in (0, 2), RIGHT[:end]


def test_check_needs_no_privilege(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text(RIGHT)
    binary = tmp_path / "blackstart"  # where anybody may run it
    shutil.copy(BLACKSTART, binary)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run([str(binary), "check", str(file)], text=True, capture_output=True, timeout=30, **nobody)
    assert (done.returncode, done.stdout) == (0, f"{file}: ok\n"), done


def test_every_shipped_drill_checks_clean():
    drills = sorted((REPOSITORY / "experiments" / "drills").glob("*/*.toml"))
    if not drills:
        pytest.skip("no drills are shipped yet")
    done = run("check", *map(str, drills))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("argv", ["check {file}", "--help", "inject dns --help"])
def test_check_and_help_cost_little(argv, tmp_path):
    file = tmp_path / "x.toml"
    file.write_text(RIGHT)
    words = argv.format(file=file).split()
    costs = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run(*words).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    slower = 10 if os.environ.get("BLACKSTART_SANITIZED") == "1" else 1
    assert min(costs) <= 0.020 * slower, costs


@pytest.mark.parametrize("argv", ["check {file}", "--help"])
def test_check_and_help_start_no_thread_and_open_no_socket(argv, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is missing")
    file, trace = tmp_path / "x.toml", tmp_path / "trace"
    file.write_text(RIGHT)
    words = argv.format(file=file).split()
    subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=clone,clone3,fork,vfork,socket,bpf,unshare,setns", BLACKSTART, *words],
                   check=True, capture_output=True, timeout=30, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # it would trace as well
    calls = [line for line in trace.read_text().splitlines() if "exited with" not in line]
    assert calls == []


def test_a_start_that_is_past_is_told_with_the_time_that_it_is():
    assert wrong("run", "x.toml", "--start-at", "2020-01-01T00:00:00+02:00").startswith("--start-at: 2020-01-01T00:00:00+02:00 is past; it is 20")


def test_doctor_says_first_whether_this_host_is_fit():
    done = run("doctor")
    first = done.stdout.splitlines()[0]
    assert first.startswith("fit: all ") if done.returncode == 0 else first.startswith("NOT FIT for ")
    assert len(done.stdout.splitlines()) <= 50
    features = re.search(r"^features\n((?:  .*\n)+)", done.stdout, re.M)[1].splitlines()
    states = [line.split("  ")[-2 if "fix:" in line else 0] and line[19:23].strip() for line in features if "fix: " not in line[:30]]
    assert states == sorted(states, reverse=True), states  # what is missing comes last


@pytest.mark.parametrize("argv, code", [(["status", "--json"], 4), (["check", "{file}"], 4), (["--help"], 4), (["check", "{none}"], 2)])
def test_what_could_not_be_told_is_told_by_the_exit_code(tmp_path, argv, code):
    file = tmp_path / "x.toml"
    file.write_text(RIGHT)
    with open("/dev/full", "w") as full:
        done = subprocess.run([BLACKSTART, *[a.format(file=file, none=tmp_path / "none") for a in argv]], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == code and ("stdout could not be written" in done.stderr) == (code == 4), done


def test_a_copy_of_the_program_has_the_installed_drills_or_says_that_there_are_none(tmp_path):
    done = subprocess.run([shutil.copy(BLACKSTART, tmp_path / "copy"), "drills"], text=True, capture_output=True, timeout=30)
    assert "all-checks-lie" in done.stdout if done.returncode == 0 else (done.returncode, done.stdout) == (4, "") and "fix: " in done.stderr, done


def test_nothing_is_coloured():
    for argv in (["--help"], ["inject", "dns"], ["check", "/nonexistent"]):
        done = run(*argv)
        assert "\x1b" not in done.stdout + done.stderr
