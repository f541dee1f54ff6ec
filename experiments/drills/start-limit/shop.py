"""A shop that looks its database up when it starts, and dies if it cannot: shop.py ADDRESS NAME."""

import http.server
import socket
import sys


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"open\n")

    def log_message(self, *words):
        pass


address, name = sys.argv[1:]
try:
    socket.getaddrinfo(name, 5432, type=socket.SOCK_STREAM)
except OSError as error:
    sys.exit(f"{name}: {error}")
http.server.ThreadingHTTPServer((address, 8080), Page).serve_forever()
