"""rollout.py FLEET BAKE RING…: after six seconds pushes version 2 to the nodes, ring by ring: "0", "1-3", "4-9". The next ring gets it when
every node that has it has been well for BAKE seconds; if one is not, all go back to version 1, and that is the end.
"""

import sys
import time
import urllib.error
import urllib.request

fleet, bake = sys.argv[1], float(sys.argv[2])
rings = [range(int(ring.split("-")[0]), int(ring.split("-")[-1]) + 1) for ring in sys.argv[3:]]
SETTLE = 1.0  # s, for an agent to start


def ask(path):
    try:
        return urllib.request.urlopen(fleet + path, timeout=2).status == 200
    except urllib.error.HTTPError:
        return False


def well_for(seconds, nodes):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not all(ask(f"/node/{node}") for node in nodes):
            return False
        time.sleep(0.1)
    return True


time.sleep(6)
done = []
for ring in rings:
    for node in ring:
        ask(f"/push/{node}/2")
        done.append(node)
    time.sleep(SETTLE)
    if not well_for(bake, done):
        print(f"not well after version 2: {done} go back", flush=True)
        for node in done:
            ask(f"/push/{node}/1")
        break
time.sleep(3600)
