"""governor.py PORT ADDRESS…: checks each server as HAProxy would (GET /healthz on PORT, three failures, two successes), but takes at
most one of them out in a minute, whatever the checks say.

HAProxy asks for the decision on each server by its agent-check: on port 9001 for the first address, 9002 for the second, and so on.
"""

import socketserver
import sys
import threading
import time
import urllib.request

PORT, SERVERS = sys.argv[1], sys.argv[2:]
EVERY, FALL, RISE = 0.4, 3, 2
MOST, PER = 1, 60.0  # removals, s
removed_at = []
lock = threading.Lock()
up = dict.fromkeys(SERVERS, True)


def may_remove():
    now = time.monotonic()
    with lock:
        removed_at[:] = [at for at in removed_at if now - at < PER]
        if len(removed_at) >= MOST:
            return False
        removed_at.append(now)
        return True


def passes(server):
    try:
        return urllib.request.urlopen(f"http://{server}:{PORT}/healthz", timeout=1).status == 200
    except OSError:
        return False


def watch(server):
    streak = 0  # of results that speak against what is believed
    while True:
        streak = 0 if passes(server) == up[server] else streak + 1
        if up[server] and streak >= FALL:
            if may_remove():
                up[server], streak = False, 0
                print(f"{server} taken out", flush=True)
            elif streak == FALL:
                print(f"{server} fails its checks, and stays: too much was taken out already", flush=True)
        elif not up[server] and streak >= RISE:
            up[server], streak = True, 0
            print(f"{server} put back", flush=True)
        time.sleep(EVERY)


def answer(server):
    class Agent(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"up\n" if up[server] else b"down\n")

    return Agent


socketserver.ThreadingTCPServer.allow_reuse_address = True
for number, server in enumerate(SERVERS, 1):
    threading.Thread(target=watch, args=(server,), daemon=True).start()
    agent = socketserver.ThreadingTCPServer(("", 9000 + number), answer(server))
    threading.Thread(target=agent.serve_forever, daemon=True).start()
threading.Event().wait()
