"""Pages for the drills' scripts: serve(8000, {"/health": lambda: "ok"}) answers in the background; a page may also be (status, text)."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # a machine that stood still for a moment serves all that came meanwhile, and none has to knock twice


def serve(port, pages):
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            page = pages[self.path]() if self.path in pages else (404, "no such page")
            status, text = page if isinstance(page, tuple) else (200, page)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(str(text).encode())

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = Server(("", port), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
