"""keepalived as a router whose script says whether it may be master: the script's start fails, for keepalived only."""

import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from lab import Lab, inject
from log import Log

KEEPALIVED = """
global_defs {{
    script_user root
    enable_script_security
}}
vrrp_script check {{
    script "{script}"
    interval 1
    timeout 1
    fall 2
    rise 2
}}
vrrp_instance one {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    virtual_ipaddress {{
        10.77.0.100/24
    }}
    track_script {{
        check
    }}
}}
"""


@pytest.fixture
def keepalived(isolated):
    lab = Lab()
    client, _ = lab.pair()
    folder = Path(tempfile.mkdtemp(dir="/run/blackstart"))  # root's all the way down, or the script is not trusted
    script, config = folder / "check", folder / "keepalived.conf"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    config.write_text(KEEPALIVED.format(script=script))
    log = Log(client.start("keepalived", "-n", "-l", "-D", "-P", "-f", config, "-p", folder / "pid", "-r", folder / "vrrp"))
    log.until("MASTER STATE", 20)
    yield client, script, log
    lab.close()


def test_keepalived_believes_that_its_script_failed(keepalived):
    client, script, log = keepalived
    with inject(client, "health", "--protocol", "exec", "--exe", script, "--result", "not-serving") as fault:
        log.until("FAULT STATE")
        assert subprocess.run([script]).returncode == 0  # another namespace: not this checker's
        assert fault.stop()["hits"] >= 2
    log.until("MASTER STATE", 20)


def test_keepalived_keeps_its_state_if_its_script_fails_once_less_than_it_takes(keepalived):
    client, script, log = keepalived
    words = ["--protocol", "exec", "--exe", script, "--result", "not-serving", "--cycle", "fail=1,pass=2"]
    with inject(client, "health", *words) as fault:
        time.sleep(7)
        assert fault.stop()["hits"] >= 2
    assert "FAULT STATE" not in log.read()
