"""count.py URL…: tells at :8000/ the sum of the numbers at the URLs."""

import sys
import threading
import urllib.request

sys.path.append("../common")
from pages import serve  # noqa: E402


def total():
    return sum(int(urllib.request.urlopen(url, timeout=1).read()) for url in sys.argv[1:])


serve(8000, {"/": total})
threading.Event().wait()
