"""planner.py INTERVAL ADDRESS…: emits a DNS plan every INTERVAL seconds: a generation, and the addresses of the service.

GET /plan            the newest plan, as JSON: {"generation": 3, "addresses": [...]}
GET /plan?after=N    the same, as soon as its generation is above N
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

interval, addresses = float(sys.argv[1]), sys.argv[2:]
generation = 0
emitted = threading.Condition()


class Plans(BaseHTTPRequestHandler):
    def do_GET(self):
        after = int(parse_qs(urlsplit(self.path).query).get("after", ["-1"])[0])
        with emitted:
            emitted.wait_for(lambda: generation > after)
            plan = {"generation": generation, "addresses": addresses}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(plan).encode())

    def log_message(self, *_):
        pass


threading.Thread(target=ThreadingHTTPServer(("", 80), Plans).serve_forever, daemon=True).start()
due = time.monotonic()
while True:
    due += interval
    time.sleep(max(0.0, due - time.monotonic()))
    with emitted:
        generation += 1
        emitted.notify_all()
    print(f"plan {generation} emitted", flush=True)
