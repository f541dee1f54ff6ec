"""holder.py ADDRESS: tells at :8000/ whether this host holds the address (1 or 0)."""

import socket
import sys
import threading

sys.path.append("../common")
from pages import serve  # noqa: E402


def holds():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        try:
            own.bind((sys.argv[1], 0))
            return 1
        except OSError:
            return 0


serve(8000, {"/": holds})
threading.Event().wait()
