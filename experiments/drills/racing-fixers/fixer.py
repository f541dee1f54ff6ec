"""fixer.py health|capacity [--ledger URL]: one of two remediators of a pool of four servers.

health     takes a server out that fails three checks in a row
capacity   puts a server back that is out: the pool has to have four

With --ledger each asks before it acts, and leaves what another acts on alone.
"""

import sys
import time
import urllib.error
import urllib.request

sys.path.append("../common")
from balancer import in_rotation, passes_check, put_back, take_out  # noqa: E402

SERVERS = {f"web{n}": f"10.99.0.3{n}" for n in range(1, 5)}
role = sys.argv[1]
ledger = sys.argv[3] if "--ledger" in sys.argv[2:] else None


def may(action, server):
    if ledger is None:
        return True
    try:
        return urllib.request.urlopen(f"{ledger}/{role}/{server}/{action}", timeout=2).status == 200
    except urllib.error.HTTPError:
        return False


def act(action, do, server):
    if may(action, server):
        do(server)
        print(f"{action} {server}", flush=True)


failures = dict.fromkeys(SERVERS, 0)
while True:
    serving = in_rotation()
    for server, address in SERVERS.items():
        if role == "capacity" and server not in serving:
            act("put-back", put_back, server)
        if role == "health":
            failures[server] = 0 if passes_check(address) else failures[server] + 1
            if failures[server] >= 3 and server in serving:
                act("take-out", take_out, server)
                failures[server] = 0
    time.sleep(0.4 if role == "health" else 1.5)
