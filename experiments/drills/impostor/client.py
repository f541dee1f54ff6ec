"""client.py [--verify]: asks https://shop.example/ ten times a second. It knows the shop's certificate, and minds it only with --verify.

:8000/impostor   how many pages it has taken from another
:8000/last       200 if the last try gave a page of the shop's, else 503
"""

import ssl
import sys
import time
import urllib.request

sys.path.append("../common")
from pages import serve  # noqa: E402

pages = {"this is the shop": 0, "this is an impostor": 0}
last = ""
known = urllib.request.urlopen("http://10.99.0.30/cert", timeout=5).read().decode()  # handed over beforehand, not looked up by name
context = ssl.create_default_context(cadata=known)
if "--verify" not in sys.argv[1:]:
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
serve(8000, {"/impostor": lambda: pages["this is an impostor"], "/last": lambda: "the shop" if last == "this is the shop" else (503, last)})
while True:
    try:
        last = urllib.request.urlopen("https://shop.example/", timeout=1, context=context).read().decode()
        pages[last] += 1
    except OSError as error:
        if str(error) != last:
            print(error, flush=True)
        last = str(error)
    time.sleep(0.1)
