"""Sends back every UDP datagram, on both families: echo.py PORT"""

import selectors
import socket
import sys

waiting = selectors.DefaultSelector()
for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((any_address, int(sys.argv[1])))
    waiting.register(s, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        data, peer = key.fileobj.recvfrom(65535)
        key.fileobj.sendto(data, peer)
