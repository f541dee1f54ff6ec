"""A gRPC client that a test tells what to ask (grpc_peer.py)."""

import json
import subprocess
from pathlib import Path

PYTHON = "/usr/bin/python3"
PEER = Path(__file__).resolve().parent / "grpc_peer.py"


class Asker:
    """A gRPC client with one connection."""

    def __init__(self, host, target):
        self.process = host.start(PYTHON, PEER, "ask", target, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
