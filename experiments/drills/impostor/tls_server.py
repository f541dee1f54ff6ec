"""tls_server.py NAME WHO: says "this is WHO" by https on port 443 with a certificate of its own for NAME, made at the start, and the certificate at :80/cert."""

import http.server
import ssl
import subprocess
import sys
import threading

sys.path.append("../common")
from pages import serve  # noqa: E402

KEY, CERT = "/run/key.pem", "/run/cert.pem"
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                f"/CN={sys.argv[1]}", "-addext", f"subjectAltName=DNS:{sys.argv[1]}", "-keyout", KEY, "-out", CERT], check=True,
               capture_output=True)


class Page(http.server.BaseHTTPRequestHandler):
    timeout = 2

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"this is {sys.argv[2]}".encode())

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERT, KEY)
server = http.server.ThreadingHTTPServer(("", 443), Page)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
serve(80, {"/cert": lambda: open(CERT).read()})
threading.Event().wait()
