"""announcer.py DEPENDENCY [--on-own-health]: says whether this node is announced, at :8000/announced (200 or 503).

As it comes, a node that cannot reach the data centre withdraws itself, whatever it could still serve. With --on-own-health it says so
and goes on, as long as it serves.
"""

import sys
import threading
import time
import urllib.request

sys.path.append("../common")
from pages import serve  # noqa: E402

dependency, own_health = sys.argv[1], "--on-own-health" in sys.argv[2:]
EVERY, FALL = 0.3, 3
announced = threading.Event()
announced.set()


def reachable(url):
    try:
        return urllib.request.urlopen(url, timeout=0.5).status == 200
    except OSError:
        return False


def well():
    serves, complete = reachable("http://127.0.0.1:8080/healthz"), reachable(dependency)
    if own_health and not complete:
        print("the data centre is away: serving what is here", flush=True)
    return serves and (complete or own_health)


serve(8000, {"/announced": lambda: "yes" if announced.is_set() else (503, "no")})
failures = 0
while True:
    failures = 0 if well() else failures + 1
    if failures == FALL:
        print("withdrawn", flush=True)
        announced.clear()
    elif failures == 0 and not announced.is_set():
        print("announced again", flush=True)
        announced.set()
    time.sleep(EVERY)
