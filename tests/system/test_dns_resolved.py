"""systemd-resolved as the resolver of a host: it takes every answer as what it is, and is whole again afterwards."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from dns_clients import REAL4, REAL6, SERVERS, dig, lookup, reach

from lab import inject

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path(__file__).resolve().parents[2] / ".cache"))
RESOLVED = CACHE / "blackstart/resolved/lib/systemd/systemd-resolved"
STUB = "127.0.0.53"
REAL = ([REAL4, REAL6], "")
AT_ONCE = {"empty": ("NOERROR", []), "nxdomain": ("NXDOMAIN", []), "timeout": ("none", []), "truncate": ("NOERROR", [REAL4]),
           "203.0.113.9 --ttl 0": ("NOERROR", ["203.0.113.9"])}
LATER = {"servfail": "a.svc.test", "refused": "a.b.svc.test", "formerr": "svc.test", "notimp": "db.test"}  # which it keeps for ten seconds

# Its /run/systemd is its own. Without D-Bus, and as an unprivileged user: it looks for one of its own where it is started by root.
START = """set -e
umask 022
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
mkdir -p /run/systemd/resolve /run/systemd/resolved.conf.d
chown nobody /run/systemd/resolve
printf '[Resolve]\\nDNS=%s\\nDNSSEC=no\\nLLMNR=no\\nMulticastDNS=no\\n' "$2" >/run/systemd/resolved.conf.d/lab.conf
may=+net_bind_service,+net_raw,+setpcap
exec setpriv --reuid nobody --clear-groups --inh-caps $may --ambient-caps $may "$1"
"""


@pytest.fixture(params=SERVERS, ids=["ipv4", "ipv6"])
def resolved(once, request):
    """(client, upstream): programs of the client ask the stub at 127.0.0.53, which asks the upstream."""
    if not RESOLVED.exists():
        pytest.skip(f"no {RESOLVED}: scripts/setup test downloads it")
    client, _ = once
    client.start("unshare", "-m", "sh", "-c", START, "sh", RESOLVED, request.param, stdout=subprocess.DEVNULL)
    reach(client, STUB)
    return client, request.param


def test_every_answer_is_taken_as_what_it_is(resolved):
    client, upstream = resolved

    def is_told(name, answer, told):
        with inject(client, "dns", "--name", name, "--server", upstream, "--answer", *answer.split()) as fault:
            reply = dig(client, STUB, name)
            assert (reply.status, reply.answers) == told, (answer, reply.text)
            assert dig(client, STUB, "other.test", "A", "+time=3").answers == [REAL4]
            assert fault.stop()["hits"] >= 1

    for answer, told in AT_ONCE.items():
        is_told("db.test", answer, told)
        # "+time": it may be in its pause before it asks again.
        assert dig(client, STUB, "db.test", "A", "+time=15").answers == [REAL4], answer
    for answer, name in LATER.items():
        is_told(name, answer, (answer.upper(), []))
    until = time.monotonic() + 30
    for name in LATER.values():
        while dig(client, STUB, name, "A", "+time=5").answers != [REAL4]:
            assert time.monotonic() < until, name
            time.sleep(0.2)


@pytest.mark.parametrize("where", ["stub", "upstream"])
def test_getaddrinfo_behind_it_is_told_as_much(resolved, where):
    client, upstream = resolved
    server = STUB if where == "stub" else upstream
    for answer, told in (("203.0.113.9,2001:db8::9 --ttl 0", (["2001:db8::9", "203.0.113.9"], "")), ("empty", ([], "EAI_NODATA")), ("nxdomain", ([], "EAI_NONAME"))):
        with inject(client, "dns", "--name", "db.test", "--server", server, "--answer", *answer.split()):
            assert lookup(client, STUB, "db.test") == told, answer
            assert lookup(client, STUB, "other.test") == REAL
        assert lookup(client, STUB, "db.test") == REAL
