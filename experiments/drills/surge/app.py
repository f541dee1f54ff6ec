"""app.py: a page that takes 20 ms to make, one at a time: 50 a second, and no more. Who asks meanwhile waits, as long as it takes."""

import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Page(BaseHTTPRequestHandler):
    timeout = 2

    def do_GET(self):
        time.sleep(0.02)
        try:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"a page")
        except OSError:
            pass  # nobody waits for it any more: the work is done all the same

    def log_message(self, *_):
        pass


HTTPServer.request_queue_size = 4096
HTTPServer(("", 8080), Page).serve_forever()
