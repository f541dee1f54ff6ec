"""plan: what would be met, from the kernel's own tables; and a run of exactly that plan."""

import json
import time

import pytest

from lab import BLACKSTART, sh

FILE = """
[experiment]
name = "planned"
baseline = "300ms"
duration = "1s"
{seed}
[target.client]
netns = "{netns}"
{interface}
[[fault]]
name = "slow"
kind = "latency"
target = "client"
for = "500ms"
to = "10.77.0.2"
port = {port}
delay = "20ms"
[[probe]]
name = "well"
kind = "exec"
run = ["true"]
every = "20ms"
[[expect]]
probe = "well"
success = ">= 50%"
"""
ECHO = """
import socket, sys
a = socket.create_server(("10.77.0.2", 7000))
while True:
    s, _ = a.accept()
    print("one", flush=True)
    globals().setdefault("kept", []).append(s)
"""
HOLD = """
import socket, time
kept = [socket.create_connection(("10.77.0.2", 7000)) for _ in range(3)]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.connect(("10.77.0.2", 7000))
print("open", flush=True)
time.sleep(60)
"""


@pytest.fixture
def place(lab, tmp_path):
    client, server = lab.pair()
    server.start("/usr/bin/python3", "-c", ECHO)
    server.wait_tcp("10.77.0.2", 7000)

    def write(port=7000, seed="", interface=""):
        file = tmp_path / "planned.toml"
        file.write_text(FILE.format(netns=client.name, port=port, seed=seed, interface=interface))
        return file

    return client, server, write


def plan(file, *more):
    return sh(BLACKSTART, "plan", file, *more, check=False)


def radius(file):
    done = plan(file, "--json")
    assert done.returncode == 0 and done.stdout.count("\n") == 1, done
    return json.loads(done.stdout)["faults"][0]["radius"]


@pytest.mark.sanitize
def test_plan_counts_the_connections_that_a_fault_would_meet_now(place):
    client, _, write = place
    assert radius(write())["sockets"] == 0
    holder = client.start("/usr/bin/python3", "-c", HOLD)
    assert holder.stdout.readline() == "open\n"
    met = radius(write())
    assert met["sockets"] == 4
    assert met["peers"] == [{"protocol": "tcp", "address": "10.77.0.2", "port": 7000, "sockets": 3},
                            {"protocol": "udp", "address": "10.77.0.2", "port": 7000, "sockets": 1}]
    text = plan(write()).stdout
    assert "4 open connections to 2 peers: tcp 10.77.0.2:7000 ×3, udp 10.77.0.2:7000 ×1" in text
    assert radius(write(port=7001))["sockets"] == 0
    assert "no open connection matches at present" in plan(write(port=7001)).stdout


def test_plan_shows_who_listens_and_which_processes_are_selected(place, tmp_path):
    _, server, _ = place
    file = tmp_path / "x.toml"
    head = f'[experiment]\nname = "x"\nduration = "20s"\n[target.t]\nnetns = "{server.name}"\n[[fault]]\ntarget = "t"\nfor = "5s"\n'
    file.write_text(head + 'kind = "health"\nport = 7000\nresult = 503\n')
    assert radius(file)["listeners"] == [{"protocol": "tcp", "address": "10.77.0.2", "port": 7000}]
    sleeper = server.start("sleep", "60")
    time.sleep(0.2)
    file.write_text(head + 'kind = "process"\nexe = "/usr/bin/sleep"\naction = "kill"\n')
    pids = [process["pid"] for process in radius(file)["processes"]]
    assert pids == [sleeper.pid] or len(pids) == 1
    assert sleeper.poll() is None  # plan changes nothing


def test_a_run_of_a_plan_is_that_plan_or_none(place, tmp_path):
    client, _, write = place
    planned = tmp_path / "plan.json"
    planned.write_text(plan(write(), "--json").stdout)
    seed = json.loads(planned.read_text())["seed"]

    def run(*more):
        folder = tmp_path / f"run-{time.monotonic_ns()}"
        return sh(BLACKSTART, "run", "--plan", planned, "--out", folder, *more, check=False), folder

    ended, folder = run()
    assert ended.returncode in (0, 3), ended.stderr
    assert json.loads((folder / "history.ndjson").read_text().splitlines()[0])["seed"] == seed
    assert run(write())[0].returncode in (0, 3)  # naming the file as well is no harm
    other, folder = run("--seed", str(seed % 1000 + 1))
    assert other.returncode == 2 and "is not the plan's" in other.stderr and not folder.exists()

    sh("ip", "-n", client.name, "link", "add", "eth9", "type", "veth", "peer", "name", "far9")
    sh("ip", "-n", client.name, "addr", "add", "10.88.0.1/24", "dev", "eth9")
    sh("ip", "-n", client.name, "link", "set", "eth9", "up")
    changed, folder = run()
    assert changed.returncode == 4 and not folder.exists()
    assert 'fault slow on client: interfaces was ["lo","eth0"], is ["lo","eth0","eth9"]' in changed.stderr
    sh("ip", "-n", client.name, "link", "del", "eth9")

    write(port=7001)
    edited, folder = run()
    assert edited.returncode == 2 and not folder.exists()
    assert "line 16 was `port = 7000`, is `port = 7001`" in edited.stderr


def test_a_probe_or_a_meter_that_would_be_nowhere_is_told_and_is_4_as_of_run(place):
    _, _, write = place
    file = write()
    right = file.read_text()
    for wrong, who in ((right.replace('kind = "exec"', 'kind = "exec"\nfrom = "nowhere"'), "probe 'well'"),
                       (right + '[target.gone]\nnetns = "nowhere"\n[[meter]]\nname = "m"\ntarget = "gone"\ncount = "packets"\n', "meter 'm'")):
        file.write_text(wrong)
        done = plan(file)
        assert done.returncode == 4 and f"CANNOT  {who}: no network namespace 'nowhere' here" in done.stdout, done
        assert who in json.loads(plan(file, "--json").stdout)["obstacles"][0]


def test_a_fault_that_run_would_refuse_is_told_and_is_4(place):
    _, _, write = place
    file = write()
    right = file.read_text()
    for wrong, why in ((right.replace('"10.77.0.2"', '"nowhere.invalid"'), "the host name 'nowhere.invalid' does not resolve"),
                       (right.replace('kind = "latency"', 'kind = "process"\naction = "kill"\nexe = "/nowhere"').replace('to = "10.77.0.2"\n', "")
                        .replace("port = 7000\n", "").replace('delay = "20ms"\n', ""), "no executable '/nowhere'")):
        file.write_text(wrong)
        done = plan(file)
        assert done.returncode == 4 and f"CANNOT  {why}" in done.stdout, done
        ran = sh(BLACKSTART, "run", file, "--out", file.parent / "out", check=False)
        assert ran.returncode == 4 and why in ran.stderr, ran


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"format":"blackstart-plan/2.0"}'])
def test_what_is_no_plan_is_refused(isolated, tmp_path, text):
    file = tmp_path / "plan.json"
    file.write_text(text)
    done = sh(BLACKSTART, "run", "--plan", file, check=False)
    assert done.returncode == 2 and "no plan" in done.stderr


def test_a_drill_is_planned_by_halves_of_which_one_can_be_run(isolated, tmp_path):
    file = tmp_path / "plan.json"
    file.write_text(plan("all-checks-lie", "--json").stdout)
    assert [json.loads(line)["experiment"] for line in file.read_text().splitlines()] == ["all-checks-lie-weak", "all-checks-lie-hardened"]
    done = sh(BLACKSTART, "run", "--plan", file, check=False)
    assert done.returncode == 2 and "more than one line" in done.stderr


def test_the_session_that_asks_is_told_to_be_exempt(lab, tmp_path):
    """The very process that asks holds a connection that would match."""
    host = lab.host("h")
    file = tmp_path / "x.toml"
    file.write_text(f'[experiment]\nname = "x"\nduration = "20s"\n[target.t]\nnetns = "{host.name}"\n[[fault]]\ntarget = "t"\nfor = "5s"\n'
                    'kind = "loss"\nto = "127.0.0.1"\nport = 7000\nshare = "10%"\n')
    script = ("import socket, subprocess, sys\na = socket.create_server(('127.0.0.1', 7000))\nc = socket.create_connection(('127.0.0.1', 7000))\n"
              "s, _ = a.accept()\nsys.exit(subprocess.run(sys.argv[1:]).returncode)")
    done = host.run("/usr/bin/python3", "-c", script, BLACKSTART, "plan", file, "--json", check=False)
    met = json.loads(done.stdout)["faults"][0]["radius"]
    assert met["sockets"] == 0 and met["exempt"] == 2, done.stdout
