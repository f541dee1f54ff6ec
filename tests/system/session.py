"""An ssh-like server: each connection is served by a child of its own, which runs what it is told to: session.py PORT

Lines: `run ARGV…` starts a command (its output is not read), anything else comes back as it was.
"""

import os
import socket
import subprocess
import sys


def serve(connection):
    running = []
    lines = connection.makefile("r")
    for line in lines:
        words = line.split()
        if words[:1] == ["run"]:
            # As sshd does: the command does not hold the connection, its ancestor does.
            running.append(subprocess.Popen(words[1:], stdin=subprocess.DEVNULL, close_fds=True))
        connection.sendall(line.encode())
    for child in running:
        child.kill()
        child.wait()


listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("::", int(sys.argv[1])))
listener.listen()
while True:
    accepted, _ = listener.accept()
    if os.fork() == 0:
        listener.close()
        serve(accepted)
        os._exit(0)
    accepted.close()
