"""Delay through netem, where the kernel has it: behind a veth of our own, and never on a qdisc that anybody else sees."""

import json
import os
import re
import signal
import time

import pytest

from lab import features, inject, sh

V4, V6 = "10.77.0.2", "fd77:0::2"


@pytest.fixture
def client(lab):
    if not features()["netem"]:
        pytest.skip("this kernel has no netem")
    client, _ = lab.pair()
    until = time.monotonic() + 15
    for address in (V4, V6):
        while client.run("ping", "-n", "-c", 1, "-W", 1, address).returncode != 0:
            assert time.monotonic() < until
    return client


def rtts(host, address, count=5):
    out = host.run("ping", "-n", "-c", count, "-i", 0.05, "-W", 3, address).stdout
    return [float(t) for t in re.findall(r"time=([0-9.]+) ms", out)]


def far_end(pid):
    """The qdisc of the veth's far end, in the anonymous namespace that only the process holds."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{fd}"
        if os.path.islink(path) and os.readlink(path).startswith("net:["):
            shown = sh("nsenter", f"--net={path}", "tc", "-j", "qdisc", "show", "dev", "far", check=False).stdout
            if "netem" in shown:
                return next(q for q in json.loads(shown) if q["kind"] == "netem")
    raise AssertionError("no netem")


def test_it_is_chosen_where_it_is_and_holds_what_was_asked(client):
    with inject(client, "latency", "--to", V4, "--delay", "40ms", "--jitter", "10ms") as fault:
        assert fault.armed["how"].endswith(", netem")
        netem = far_end(fault.process.pid)
        assert abs(netem["options"]["delay"]["delay"] - 0.04) < 1e-5 and abs(netem["options"]["delay"]["jitter"] - 0.01) < 1e-5
        assert netem["options"]["limit"] >= 1.5 * 200_000 * 0.05
        assert "netem" not in client.run("tc", "qdisc", "show").stdout
        held = rtts(client, V4)
        assert len(held) == 5 and min(held) > 29 and sorted(held)[1] < 75 and min(rtts(client, V6)) < 20
        assert fault.stop()["hits"] == 5


def test_the_delay_line_serves_where_it_is_asked_for(client):
    with inject(client, "latency", "--to", V4, "--delay", "40ms", "--delay-line") as fault:
        assert fault.armed["how"].endswith(", delay line")
        assert 40 <= min(rtts(client, V4)) < 60
        assert fault.stop()["hits"] == 5


def test_a_delay_beyond_what_netem_can_hold_takes_the_delay_line(client):
    with inject(client, "latency", "--to", V4, "--delay", "5m", "--for", "10m") as fault:
        assert fault.armed["how"].endswith(", delay line")


def test_both_add_up_on_one_interface_and_either_may_die(client):
    where = ("--to", V4, "--direction", "both")
    with inject(client, "latency", *where, "--delay", "20ms") as one, inject(client, "latency", *where, "--delay", "30ms", "--delay-line") as two:
        assert 100 <= min(rtts(client, V4)) < 130
        one.stop(signal.SIGKILL)
        assert 60 <= min(rtts(client, V4)) < 85
        two.stop(signal.SIGKILL)
    time.sleep(0.1)
    assert min(rtts(client, V4)) < 20 and "bsd" not in client.run("ip", "-br", "link").stdout
