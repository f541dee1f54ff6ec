#!/usr/bin/python3
"""Writes packets to begin with: queries, with and without OPT, in each shape that dns_fuzz.c tells apart."""

import struct
import sys
from pathlib import Path

question = b"\x02db\x04test\0" + struct.pack("!2H", 1, 1)
opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
messages = {
    "plain": struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + question,
    "opt": struct.pack("!6H", 7, 0x100, 1, 0, 0, 1) + question + opt,
    "root": struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\0" + struct.pack("!2H", 28, 1),
    "update": struct.pack("!6H", 7, 0x2800, 1, 0, 1, 0) + question + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + bytes(4),
    "response": struct.pack("!6H", 7, 0x8180, 1, 1, 0, 0) + question + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + bytes(4),
}
ends = b"\x0a" * 8
for name, message in messages.items():
    for how in range(4, 32):
        for kind in (0, 1, 2, 4, 12, 255):
            if how & 4:
                Path(sys.argv[1], f"{name}-{how}-{kind}").write_bytes(bytes([how, kind]) + message)
    tcp = struct.pack("!HHIIBBHHH", 4711, 53, 1, 1, 0x50, 0x18, 512, 0, 0) + struct.pack("!H", len(message)) + message
    for protocol, payload in ((6, tcp), (17, struct.pack("!4H", 4711, 53, 8 + len(message), 1) + message)):
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + ends
        Path(sys.argv[1], f"{name}-raw-{protocol}").write_bytes(bytes([1, 0]) + ip + payload)
