"""As much of PostgreSQL and MySQL as a health check sees: `python3 databases.py`, PostgreSQL on 5432, MySQL on 3306.
Agents of HAProxy: on 9101 one that says "up 100%", on 9102 one that says "75%".

PostgreSQL: AuthenticationOk and ReadyForQuery for every user but "nobody", who is told an ErrorResponse; then each byte comes back.
MySQL: a greeting, then OK for every login, or ERR for the user "nobody"; then each byte comes back, or the end after COM_QUIT.
"""

import socketserver
import threading

GREETING = b"\x0a8.0.0\0" + b"\1\0\0\0" + b"abcdefgh\0" + b"\xff\xf7\x21\x02\x00\xff\xc1\x15" + bytes(10) + b"abcdefghijkl\0mysql_native_password\0"


def framed(number, content):
    return len(content).to_bytes(3, "little") + bytes([number]) + content


class Postgresql(socketserver.StreamRequestHandler):
    def handle(self):
        size = int.from_bytes(self.rfile.read(4), "big")
        startup = self.rfile.read(size - 4)
        if b"user\0nobody\0" in startup:
            said = b"SFATAL\0C28000\0Mno such role\0\0"
            self.wfile.write(b"E" + (len(said) + 4).to_bytes(4, "big") + said)
            return
        self.wfile.write(b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I")
        while octet := self.rfile.read(1):
            self.wfile.write(octet)


class Mysql(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(framed(0, GREETING))
        head = self.rfile.read(4)
        login = self.rfile.read(int.from_bytes(head[:3], "little"))
        if b"nobody\0" in login:
            self.wfile.write(framed(2, b"\xff\x15\x04#28000Access denied"))
            return
        self.wfile.write(framed(2, b"\0\0\0\2\0\0\0"))
        while octet := self.rfile.read(1):
            self.wfile.write(octet)


class Agent(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"up 100%\n" if self.server.server_address[1] == 9101 else b"75%\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


if __name__ == "__main__":
    for port, handler in ((5432, Postgresql), (9101, Agent), (9102, Agent)):
        threading.Thread(target=Server(("0.0.0.0", port), handler).serve_forever, daemon=True).start()
    Server(("0.0.0.0", 3306), Mysql).serve_forever()
