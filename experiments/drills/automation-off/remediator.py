"""remediator.py SWITCH: takes servers out that fail three checks in a row, unless the file SWITCH says off. Tells at :8000/ how often it acted."""

import sys
import time
from pathlib import Path

sys.path.append("../common")
from balancer import in_rotation, passes_check, take_out  # noqa: E402
from pages import serve  # noqa: E402

SERVERS = {f"web{n}": f"10.99.0.3{n}" for n in range(1, 5)}
switch = Path(sys.argv[1])
failures = dict.fromkeys(SERVERS, 0)
actions = 0
serve(8000, {"/": lambda: actions})
while True:
    on = not switch.exists() or switch.read_text().strip() != "off"
    for server, address in SERVERS.items():
        failures[server] = 0 if passes_check(address) else failures[server] + 1
        if on and failures[server] >= 3 and server in in_rotation():
            take_out(server)
            actions += 1
            print(f"took {server} out", flush=True)
    time.sleep(0.4)
