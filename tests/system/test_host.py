"""What keeps the host whole, as a user meets it: status, restore, doctor, and two processes that want the same thing."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import BLACKSTART, die_with_parent, inject, sh


def blackstart(*argv, **kw):
    return sh(BLACKSTART, *argv, check=False, **kw)


def status():
    done = blackstart("status", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["format"] == "blackstart-status/1.0"
    return told["processes"]


def restore():
    done = blackstart("restore", "--json")
    told = json.loads(done.stdout)
    assert told["format"] == "blackstart-restore/1.0"
    return done.returncode, told


@pytest.fixture
def client(lab):
    return lab.pair()[0]


@pytest.fixture
def other(lab):
    host = lab.host("other")
    return host


def dns(host, name, *options, **kw):
    return inject(host, "dns", "--name", name, "--answer", "empty", *options, **kw)


def refused(host, *argv):
    """Whether a second process is refused, and what it says."""
    done = blackstart("inject", *argv, "--for", "60s", "--netns", host.name, "--json", timeout=10)
    assert done.returncode == 4 and done.stdout == "", (done.returncode, done.stdout, done.stderr)
    return done.stderr


@pytest.fixture
def as_nobody(lab):
    """Runs a command of blackstart without privilege, from where anybody may: the build folder may be closed to others."""
    folder = Path("/run/netns/.anybody")
    folder.mkdir(mode=0o755)
    program = shutil.copy(BLACKSTART, folder / "blackstart")
    yield lambda *argv: sh("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, *argv, check=False)
    shutil.rmtree(folder)


# --- status ---------------------------------------------------------------------------------------------------------


def test_status_says_what_is_injected_where_by_whom_and_until_when(client):
    assert status() == []
    assert "nothing is injected" in blackstart("status").stdout
    with dns(client, "db.test") as injected:
        (process,) = status()
        assert process["pid"] == injected.process.pid
        assert "inject dns --name db.test" in process["command"]
        (fault,) = process["faults"]
        assert (fault["kind"], fault["target"]) == ("dns", client.name)
        assert "eth0" in fault["interfaces"]
        assert fault["until"] == injected.armed["until"]
        text = blackstart("status").stdout
        assert str(injected.process.pid) in text and "dns" in text and client.name in text
        injected.stop()
        assert status() == []


def test_status_tells_the_hits_and_the_delay_that_was_really_applied(client):
    with inject(client, "latency", "--to", "127.0.0.0/8", "--delay", "30ms", "--interface", "lo", "--delay-line"):
        until = time.monotonic() + 15
        while True:
            client.run("ping", "-n", "-c", 1, "-W", 2, "127.0.0.1")
            fault = status()[0]["faults"][0]
            if fault.get("delay", {}).get("packets", 0) > 0:
                break
            assert time.monotonic() < until, fault
        assert fault["hits"] >= 1 and fault["delay"]["p50_us"] >= 30_000, fault
        assert "hits, held for 3" in blackstart("status").stdout


def test_status_needs_no_privilege(client, as_nobody):
    with dns(client, "db.test") as injected:
        done = as_nobody("status", "--json")
        assert done.returncode == 0, done.stderr
        assert [p["pid"] for p in json.loads(done.stdout)["processes"]] == [injected.process.pid]


def test_status_forgets_a_killed_process(client):
    with dns(client, "db.test") as injected:
        injected.stop(signal.SIGKILL)
        assert status() == []
        assert list(Path("/run/blackstart").glob("*.json")) == []


# --- two processes, one thing ---------------------------------------------------------------------------------------


def test_one_name_is_for_one_process(client):
    with dns(client, "db.test") as first:
        said = refused(client, "dns", "--name", "DB.test.", "--answer", "nxdomain")
        assert f"process {first.process.pid}" in said and "dns:db.test" in said and "fix:" in said
        refused(client, "dns", "--name", "*.test", "--answer", "nxdomain")
    with dns(client, "*.svc.test"):
        refused(client, "dns", "--name", "a.b.svc.test", "--answer", "nxdomain")


def test_one_port_is_for_one_process(client):
    with inject(client, "health", "--port", 8080, "--result", 503) as first:
        assert f"process {first.process.pid}" in refused(client, "health", "--port", 8080, "--result", "timeout")


def test_what_does_not_meet_is_not_refused(client, other):
    with dns(client, "db.test", "--type", "A"):
        for host, argv in ((client, ["db.test", "--type", "AAAA"]), (client, ["web.test"]), (client, ["db.test", "--port", 5353]), (other, ["db.test"]),
                           (client, ["db.test", "--opcode", "update"])):
            with dns(host, *argv):
                pass
    with dns(client, "db.test", "--server", "10.0.0.1"), dns(client, "db.test", "--server", "fd00::/8"):
        refused(client, "dns", "--name", "db.test", "--server", "10.0.0.0/24", "--answer", "nxdomain")


def test_network_faults_of_two_processes_stack(client):
    slow = ["latency", "--to", "10.77.0.2", "--delay", "1ms"]
    with inject(client, *slow), inject(client, *slow):
        assert len(status()) == 2


def test_a_name_is_free_again_after_its_process_was_killed(client):
    with dns(client, "db.test") as first:
        first.stop(signal.SIGKILL)
    with dns(client, "db.test"):
        pass


# --- restore --------------------------------------------------------------------------------------------------------


def test_restore_on_a_host_without_faults_is_0_again_and_again(lab):
    for _ in range(2):
        code, told = restore()
        assert (code, told["ended"], told["whole"], told["left"]) == (0, [], True, [])


@pytest.mark.sanitize
def test_restore_ends_every_live_inject_by_sigterm(client, other):
    with dns(client, "db.test") as one, inject(client, "health", "--port", 80, "--result", 503) as two, dns(other, "db.test") as three:
        code, told = restore()
        assert code == 0 and told["whole"], told
        assert {(e["pid"], e["signal"]) for e in told["ended"]} == {(i.process.pid, "SIGTERM") for i in (one, two, three)}
        assert [i.process.wait(5) for i in (one, two, three)] == [143] * 3
        assert one.event("restored", 1)["whole"]
        assert status() == []


@pytest.mark.parametrize("stopped_for", [0.1, 3], ids=["briefly", "beyond-its-lease"])
def test_restore_ends_a_stopped_one_too(client, stopped_for):
    with dns(client, "db.test") as injected:
        injected.process.send_signal(signal.SIGSTOP)
        time.sleep(stopped_for)
        if stopped_for > 2 and injected.through_clsact:
            injected.wake()
            return
        assert [p["stopped"] for p in status()] == [True] and "stopped: inert" in blackstart("status").stdout
        code, told = restore()
        assert code == 0 and told["whole"], told
        assert injected.process.wait(5) == 143


def test_restore_kills_what_does_not_end(client):
    # A process that holds a row and hears no SIGTERM: it stands for one that hangs.
    hung = subprocess.Popen(["/usr/bin/python3", "-c", HANGS], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    try:
        assert hung.stdout.readline() == "ready\n"
        code, told = restore()
        assert code == 0, told
        assert [(e["pid"], e["signal"]) for e in told["ended"]] == [(hung.pid, "SIGKILL")]
        assert hung.wait(5) == -signal.SIGKILL
        assert status() == []
    finally:
        hung.kill()


HANGS = """
import fcntl, json, os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.makedirs("/run/blackstart", exist_ok=True)
file = open(f"/run/blackstart/{os.getpid()}.json", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
json.dump({"pid": os.getpid(), "command": "hangs", "faults": []}, file)
file.flush()
print("ready", flush=True)
time.sleep(60)
"""


def test_restore_says_5_and_names_what_stays(client):
    with dns(client, "db.test") as injected:  # the registry is there, as on a host where blackstart was used
        injected.stop()
    client.run("ip", "link", "add", "bsd7", "type", "bridge", check=True)
    code, told = restore()
    assert code == 5 and not told["whole"] and any("bsd7" in what for what in told["left"]), told
    done = blackstart("restore")
    assert done.returncode == 5 and "bsd7" in done.stderr
    client.run("ip", "link", "del", "bsd7", check=True)
    assert restore()[0] == 0


# --- the guardian ---------------------------------------------------------------------------------------------------


def loopback(host):
    return host.run("sysctl", "-n", "net.ipv4.conf.lo.route_localnet", "net.ipv4.conf.lo.accept_local").stdout.split()


def slow_loopback(host, *options):
    return inject(host, "latency", "--to", "127.0.0.1", "--delay", "1ms", "--interface", "lo", *options)


def guardians(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if Path(f"/proc/{child}/comm").read_text().strip() == "bs-guardian"]


def wait_for(holds, timeout=8):
    until = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_guardian_runs_only_while_something_is_journalled_and_holds_no_fault(client):
    with dns(client, "db.test") as plain:
        assert guardians(plain.process.pid) == []
    with slow_loopback(client) as injected:
        wait_for(lambda: guardians(injected.process.pid))  # that it has its name
        (guardian,) = guardians(injected.process.pid)
        assert loopback(client) == ["1", "1"]
        holds = [os.readlink(f"/proc/{guardian}/fd/{fd}") for fd in os.listdir(f"/proc/{guardian}/fd")]
        assert not [h for h in holds if "bpf" in h or "tun" in h or "net:[" in h], holds
        assert os.getsid(guardian) == guardian
        injected.stop()
        assert loopback(client) == ["0", "0"]
        assert not Path(f"/proc/{guardian}").exists()


@pytest.mark.sanitize
def test_the_guardian_of_a_killed_process_puts_the_sysctls_back(client):
    with slow_loopback(client) as injected:
        injected.stop(signal.SIGKILL)
        wait_for(lambda: loopback(client) == ["0", "0"])
        assert restore()[1]["whole"]


def test_what_both_left_is_named_by_doctor_and_undone_by_restore(client):
    with slow_loopback(client) as injected:
        wait_for(lambda: guardians(injected.process.pid))
        for guardian in guardians(injected.process.pid):
            os.kill(guardian, signal.SIGKILL)
        injected.stop(signal.SIGKILL)
        assert loopback(client) == ["1", "1"]
        left = []

        def only_the_journalled():
            nonlocal left
            left = json.loads(blackstart("doctor", "--json").stdout)["left"]
            return sum("sysctl" in what for what in left) == 2 and (injected.through_clsact or len(left) == 2)

        wait_for(only_the_journalled)  # the kernel frees the programs a little later, if no filter holds them
        assert any("route_localnet" in what for what in left), left
        code, told = restore()
        assert code == 0 and told["whole"], told
        assert loopback(client) == ["0", "0"]


def test_what_both_left_is_undone_by_the_next_inject(client, other):
    with slow_loopback(client) as injected:
        for guardian in guardians(injected.process.pid):
            os.kill(guardian, signal.SIGKILL)
        injected.stop(signal.SIGKILL)
    with dns(other, "db.test"):
        assert loopback(client) == ["0", "0"]


def test_a_sysctl_that_the_user_changed_meanwhile_is_left_alone(client):
    client.sysctl("net.ipv4.conf.lo.route_localnet", 1)
    with slow_loopback(client) as injected:
        injected.stop()
    assert loopback(client) == ["1", "0"], "it was 1 before us"


def test_two_delays_on_loopback_share_the_sysctls(client):
    with slow_loopback(client) as first, slow_loopback(client) as second:
        first.stop(signal.SIGKILL)
        time.sleep(0.3)
        assert loopback(client) == ["1", "1"], "the second still needs them"
        second.stop()
        assert loopback(client) == ["0", "0"]


# --- doctor ---------------------------------------------------------------------------------------------------------


def test_doctor_says_what_this_host_can_do(client):
    done = blackstart("doctor", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["format"] == "blackstart-doctor/1.0" and told["fit"]
    assert all(f["can"] for f in told["faults"])
    way = {f["kind"]: f["way"] for f in told["faults"]}
    assert {"dns", "latency", "health", "http", "loss", "partition", "bandwidth", "process"} <= way.keys()
    assert all(said.split(", ")[0] in ("tcx", "clsact") for kind, said in way.items() if kind not in ("process", "surge"))
    there = {f["name"]: f["there"] for f in told["features"]}
    assert there["attaching"] and there["privileges"]
    assert all(f["fix"] for f in told["features"] if not f["there"])
    assert told["left"] == []
    text = blackstart("doctor").stdout
    assert "dns" in text and "left behind\n  nothing" in text


def test_doctor_does_not_take_the_living_for_left_behind(client):
    with dns(client, "db.test"), inject(client, "latency", "--to", "10.77.0.2", "--delay", "1ms"):
        assert json.loads(blackstart("doctor", "--json").stdout)["left"] == []


def test_doctor_without_root_is_4_and_says_so(as_nobody):
    done = as_nobody("doctor")
    assert done.returncode == 4 and "run as root" in done.stdout, (done.stdout, done.stderr)
    assert "boot Linux" not in done.stdout, "what may not be tried is not missing"


def test_a_state_directory_that_cannot_be_written_is_named_with_the_fix(client):
    sh("mount", "-o", "remount,ro", "/run/blackstart")
    try:
        assert "fix: " in refused(client, "dns", "--name", "db.test", "--answer", "empty")
        done = blackstart("doctor", "--json")
        told = json.loads(done.stdout)
        assert done.returncode == 4 and not told["fit"]
        (state,) = [f for f in told["features"] if f["name"] == "state"]
        assert not state["there"] and "Read-only" in state["detail"] and state["fix"]
        assert blackstart("doctor").stdout.startswith("NOT FIT for any fault")
    finally:
        sh("mount", "-o", "remount,rw", "/run/blackstart")


def test_closed_standard_descriptors_are_not_taken_by_what_is_opened_later(client):
    """What is told would be written there: into a device, or a file of the state directory."""
    command = f"exec {BLACKSTART} inject latency --to 127.0.0.1 --delay 1ms --for 20s --netns {client.name} <&- >&- 2>&-"
    with subprocess.Popen(["bash", "-c", command], preexec_fn=die_with_parent) as closed:
        until = time.monotonic() + 30
        while loopback(client) != ["1", "1"] and time.monotonic() < until:
            time.sleep(0.05)
        assert [os.readlink(f"/proc/{closed.pid}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3
        assert len(status()) == 1
        closed.terminate()
        assert closed.wait(30) == 143
    assert loopback(client) == ["0", "0"]


def test_inject_without_root_is_refused_with_the_fix(as_nobody):
    done = as_nobody("inject", "dns", "--name", "db.test", "--answer", "empty", "--for", "1s")
    assert done.returncode == 4 and "fix: run as root" in done.stderr, (done.returncode, done.stderr)


@pytest.mark.parametrize("what", ["an empty file", "a namespace of another kind", "a pipe that nobody writes"])
def test_what_is_no_network_namespace_is_refused_by_its_name(isolated, tmp_path, what):
    path = tmp_path / "it"
    if what == "a pipe that nobody writes":
        os.mkfifo(path)
    else:
        path.touch()
    name = "/proc/self/ns/mnt" if what == "a namespace of another kind" else str(path)
    done = blackstart("inject", "dns", "--name", "db.test", "--answer", "empty", "--for", "1s", "--netns", name)
    assert done.returncode == 4 and f"no network namespace '{name}' here" in done.stderr and "fix:" in done.stderr, done
