"""The probe that asks grpc.health.v1.Health/Check, against a server of the gRPC library."""

import json
import subprocess

import pytest

from lab import BLACKSTART, Lab, sh

# Answers by service: "" and "shop" serve, "down" does not, "odd" fails, others are unknown. Bytes as health.proto has them.
SERVER = r"""
import sys, concurrent.futures, grpc
STATUS = {b"": b"\x08\x01", b"\x0a\x04shop": b"\x08\x01", b"\x0a\x04down": b"\x08\x02", b"\x0a\x04zero": b""}
def check(request, context):
    if request == b"\x0a\x03odd":
        context.abort(grpc.StatusCode.INTERNAL, "odd")
    if request not in STATUS:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return STATUS[request]
server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
handlers = {"Check": grpc.unary_unary_rpc_method_handler(check)}
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers),))
server.add_insecure_port("[::]:50051")
other = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
other.add_insecure_port("[::]:50052")
server.start(); other.start()
server.wait_for_termination()
"""

FILE = """
[experiment]
name = "asks"
duration = "1s"
"""
PROBE = """
[[probe]]
name = "{name}"
kind = "grpc-health"
from = "{netns}"
address = "{address}"
service = "{service}"
every = "50ms"
timeout = "5s"
expect = {{ status = "{status}" }}
"""


@pytest.fixture(scope="module")
def served(isolated):
    lab = Lab()
    client, server = lab.pair()
    server.start("/usr/bin/python3", "-c", SERVER, stdout=subprocess.DEVNULL)
    client.wait_tcp("10.77.0.2", 50051)
    client.wait_tcp("fd77:0::2", 50052)
    yield client, server
    lab.close()


def test_what_the_server_says_is_the_value(served, tmp_path):
    client, _ = served
    asked = {  # name: address, service, expected, ok, why, value
        "whole": ("10.77.0.2:50051", "", "serving", True, None, "serving"),
        "six": ("[fd77:0::2]:50051", "shop", "serving", True, None, "serving"),
        "down": ("10.77.0.2:50051", "down", "serving", False, "not-serving", "not-serving"),
        "meant-down": ("10.77.0.2:50051", "down", "not-serving", True, None, "not-serving"),
        "default": ("10.77.0.2:50051", "zero", "serving", False, "unknown", "unknown"),
        "nobody": ("10.77.0.2:50051", "nobody", "serving", False, "service-unknown", "service-unknown"),
        "odd": ("10.77.0.2:50051", "odd", "serving", False, "grpc internal", None),
        "without": ("10.77.0.2:50052", "", "serving", False, "grpc unimplemented", None),
        "closed": ("10.77.0.2:50053", "", "serving", False, "connection refused", None),
    }
    file = tmp_path / "asks.toml"
    file.write_text(FILE + "".join(PROBE.format(name=name, netns=client.name, address=each[0], service=each[1], status=each[2])
                                   for name, each in asked.items()))
    done = sh(BLACKSTART, "run", file, "--out", tmp_path / "out", check=False)
    assert done.returncode == 3, done.stderr  # neither a fault nor an expectation
    seen = {name: [] for name in asked}
    for line in (tmp_path / "out/history.ndjson").read_text().splitlines():
        each = json.loads(line)
        if each.get("event") == "observation":
            seen[each["probe"]].append(each)
    for name, (_, _, _, ok, why, value) in asked.items():
        assert len(seen[name]) >= 5, name
        for each in seen[name]:
            assert (each["ok"], each.get("why"), each.get("value")) == (ok, why, value), (name, each)
