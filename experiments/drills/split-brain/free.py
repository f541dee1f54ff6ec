"""free.py ADDRESS: ends 0 if nobody else holds the address: it is our own, or nobody answers at its port 8000."""

import socket
import sys

address = sys.argv[1]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
    try:
        own.bind((address, 0))
        sys.exit(0)
    except OSError:
        pass
try:
    socket.create_connection((address, 8000), timeout=0.7).close()
    sys.exit(1)
except OSError:
    sys.exit(0)
