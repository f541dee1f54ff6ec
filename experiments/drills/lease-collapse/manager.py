"""manager.py ETCD [--drop-stale]: keeps a lease in etcd for each of 60 hosts. A host renews its lease every second; when the lease has expired
(TTL 4 s) it asks for a new one, and gives up and asks again when it has none after 2 s.

Requests for new leases wait in a queue; each takes a worker 80 ms of work. As it comes the worker takes them in the order in which they
were made, whether or not anybody still waits. With --drop-stale it throws those away that were given up.

:8000/alive   how many hosts hold a lease;   :8000/most   200 if nine of ten do, else 503
"""

import base64
import json
import queue
import sys
import threading
import time
import urllib.request

sys.path.append("../common")
from pages import serve  # noqa: E402

etcd, drop_stale = sys.argv[1], "--drop-stale" in sys.argv[2:]
HOSTS, TTL, RENEWAL, PATIENCE, WORK = 60, 4, 1.0, 2.0, 0.08
requests = queue.Queue()


def call(path, body):
    request = urllib.request.Request(f"{etcd}/v3/{path}", json.dumps(body).encode())
    return json.load(urllib.request.urlopen(request, timeout=PATIENCE))


class Request:
    def __init__(self, host):
        self.host, self.made, self.granted = host, time.monotonic(), threading.Event()

    def stale(self):
        return time.monotonic() - self.made > PATIENCE

    def work(self):
        time.sleep(WORK)
        lease = call("lease/grant", {"TTL": TTL})["ID"]
        call("kv/put", {"key": base64.b64encode(self.host.name.encode()).decode(), "lease": lease})
        if not self.stale():
            self.host.lease, self.host.until = lease, time.monotonic() + TTL
            self.granted.set()


class Host:
    def __init__(self, number):
        self.name, self.lease, self.until = f"host-{number}", None, 0.0
        threading.Thread(target=self.live, daemon=True).start()

    def alive(self):
        return time.monotonic() < self.until

    def renew(self):
        try:
            if "TTL" in call("lease/keepalive", {"ID": self.lease})["result"]:
                self.until = time.monotonic() + TTL
        except OSError:
            pass

    def live(self):
        while True:
            if self.alive():
                self.renew()
                time.sleep(RENEWAL)
            else:
                request = Request(self)
                requests.put(request)
                request.granted.wait(PATIENCE)


def alive():
    return sum(host.alive() for host in hosts)


def worker():
    while True:
        request = requests.get()
        if drop_stale and request.stale():
            continue
        try:
            request.work()
        except OSError:
            pass


hosts = []
threading.Thread(target=worker, daemon=True).start()
serve(8000, {"/alive": alive, "/most": lambda: "yes" if alive() >= 0.9 * HOSTS else (503, "no")})
for number in range(HOSTS):  # one after the other: a fleet is not switched on at once
    hosts.append(Host(number))
    time.sleep(1.6 * WORK)
threading.Event().wait()
