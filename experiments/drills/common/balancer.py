"""HAProxy's runtime interface (management guide, 9.3), as the drills' remediators use it."""

import socket
import urllib.request

BALANCER = ("10.99.0.20", 9999)


def tell(command):
    with socket.create_connection(BALANCER, timeout=2) as connection:
        connection.sendall(command.encode() + b"\n")
        return b"".join(iter(lambda: connection.recv(4096), b"")).decode()


def in_rotation():
    """The names of the servers that HAProxy sends to; column 5 of `show servers state` is the administrative state, 0 in order."""
    rows = [line.split() for line in tell("show servers state web").splitlines()]
    return {row[3] for row in rows if len(row) > 6 and row[0].isdigit() and row[6] == "0"}


def take_out(server):
    tell(f"set server web/{server} state maint")


def put_back(server):
    tell(f"set server web/{server} state ready")


def passes_check(address):
    try:
        return urllib.request.urlopen(f"http://{address}:8080/healthz", timeout=1).status == 200
    except OSError:
        return False
