"""A web server for tests: HTTP/1.1 with keep-alive on every address, IPv4 and IPv6, one thread a connection.

`python3 web.py PORT...`: every path answers 200 and "ok"; ?size=N answers N bytes that follow from N, with chunked=N in chunks of N bytes;
?status=N answers N; /none answers 204.
"""

import http.server
import socket
import socketserver
import sys
import threading
from urllib.parse import parse_qs, urlparse


def body(size):
    return (b"%d." % size * (size // 2 + 1))[:size]


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlparse(self.path)
        if url.path == "/none":
            self.send_response(204)
            self.end_headers()
            return
        query = parse_qs(url.query)
        size = query.get("size")
        content = body(int(size[0])) if size else b"ok"
        self.send_response(int(query.get("status", ["200"])[0]))
        chunk = int(query.get("chunked", ["0"])[0])
        self.send_header(*(("Transfer-Encoding", "chunked") if chunk else ("Content-Length", str(len(content)))))
        self.end_headers()
        if chunk:
            parts = [content[i : i + chunk] for i in range(0, len(content), chunk)] + [b""]
            content = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = answer

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 512

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)


if __name__ == "__main__":
    servers = [Server(("::", int(port)), Answer) for port in sys.argv[1:]]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()
