"""fleet.py COUNT: that many nodes, each with an agent that is started again whenever it dies. Version 1 of the agent is a tail, version
2 a sleep: two programs, so that a fault can be put on one of them.

:8000/serving     how many nodes have an agent that has lived for half a second
:8000/node/I      200 if node I has, else 503
:8000/push/I/V    node I gets version V of the agent
"""

import subprocess
import sys
import threading
import time

sys.path.append("../common")
from pages import serve  # noqa: E402

VERSIONS = {"1": ["/usr/bin/tail", "-f", "/dev/null"], "2": ["/usr/bin/sleep", "infinity"]}
SETTLED, PAUSE = 0.5, 0.2  # s


class Node:
    def __init__(self, number):
        self.number, self.version, self.agent, self.since = number, "1", None, 0.0
        threading.Thread(target=self.supervise, daemon=True).start()

    def supervise(self):
        while True:
            self.agent, self.since = subprocess.Popen(VERSIONS[self.version]), time.monotonic()
            self.agent.wait()
            self.since = 0.0
            time.sleep(PAUSE)

    def well(self):
        return self.since > 0 and time.monotonic() - self.since > SETTLED

    def push(self, version):
        print(f"node {self.number} gets version {version}", flush=True)
        self.version = version
        self.agent.kill()
        return "pushed"


nodes = [Node(number) for number in range(int(sys.argv[1]))]
time.sleep(2 * SETTLED)
pages = {"/serving": lambda: sum(node.well() for node in nodes)}
for node in nodes:
    pages[f"/node/{node.number}"] = lambda node=node: "well" if node.well() else (503, "not well")
    for version in VERSIONS:
        pages[f"/push/{node.number}/{version}"] = lambda node=node, version=version: node.push(version)
serve(8000, pages)
threading.Event().wait()
