"""Places that several files of tests begin in."""

import subprocess
import time

import pytest
from dns_clients import SERVERS, reach, serve
from network import settled


@pytest.fixture
def wire(lab):
    """(client, server) on a wire that answers over both families."""
    return settled(lab.pair())


@pytest.fixture
def served(pair):
    """(client, server): the server answers DNS over both families."""
    client, server = pair
    serve(server, *SERVERS)
    reach(client, *SERVERS)
    return client, server


@pytest.fixture
def once(lab):
    """As `served`, without checksum offload only: for what has nothing to do with checksums."""
    client, server = lab.pair(offload=False)
    serve(server, *SERVERS)
    reach(client, *SERVERS)
    return client, server


@pytest.fixture
def resolving(lab):
    """The namespace of a client whose server 10.77.0.2 knows db.test as 10.9.9.9."""
    client, server = lab.pair()
    server.start("dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--pid-file", "--user=root", "--address=/db.test/10.9.9.9",
                 stdout=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while client.run("dig", "+short", "+tries=1", "+time=1", "@10.77.0.2", "db.test").stdout != "10.9.9.9\n":
        assert time.monotonic() < until
    return client.name
