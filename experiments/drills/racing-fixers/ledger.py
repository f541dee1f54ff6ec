"""ledger.py: who acted on what. :8000/ROLE/OBJECT/ACTION answers 200 if the action may be done, and 409 if another one acted on that object
less than a minute ago: one writer an object at a time.
"""

import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOLD = 60.0  # s
taken = {}
lock = threading.Lock()


class Ledger(BaseHTTPRequestHandler):
    def do_GET(self):
        who, what, action = re.fullmatch("/(.*)/(.*)/(.*)", self.path).groups()
        with lock:
            owner, since = taken.get(what, (who, 0.0))
            free = owner == who or time.monotonic() - since > HOLD
            if free:
                taken[what] = who, time.monotonic()
        print(f"{who}: {action} {what}: {'yes' if free else 'no, ' + owner + ' acts on it'}", flush=True)
        self.send_response(200 if free else 409)
        self.end_headers()

    def log_message(self, *_):
        pass


sys.exit(ThreadingHTTPServer(("", 8000), Ledger).serve_forever())
