"""Holds tun0 (10.88.0.1, fd88::1) and plays the far end: on "go", asks and is asked over both families, and prints the
rcodes that came back as JSON. Packets have no Ethernet header; checksums of what comes back are verified."""

import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def total(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s


def packet(family, source, destination, payload):
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    size = 8 + len(payload)
    udp = struct.pack("!HHHH", 4444, 53, size, 0) + payload
    check = ~total(ends + struct.pack("!HH", size, 17) + udp) & 0xFFFF or 0xFFFF
    udp = udp[:6] + struct.pack("!H", check) + udp[8:]
    if family == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, size, 17, 64) + ends + udp
    head = struct.pack("!HHIBBH", 0x4500, 20 + size, 0, 64, 17, 0) + ends
    return head[:10] + struct.pack("!H", ~total(head) & 0xFFFF) + head[12:] + udp


def query(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 77, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


def received(tun, timeout=2):
    """The next UDP packet that leaves by the tunnel: its payload, its checksum verified."""
    while select.select([tun], [], [], timeout)[0]:
        data = os.read(tun, 2048)
        v6 = data[0] >> 4 == 6
        if data[6 if v6 else 9] != 17:
            continue
        ends, udp = (data[8:40], data[40:]) if v6 else (data[12:20], data[20:])
        assert v6 or total(data[:20]) == 0xFFFF
        assert total(ends + struct.pack("!HH", len(udp), 17) + udp) == 0xFFFF
        return udp[8:]
    return None


def asked(tun, family, peer, name):
    """A query to the far end: the answer's rcode, or what arrived there."""
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(query(name), (peer, 53))
        if name != "db.test":
            return "passed" if received(tun) == query(name) else "lost"
        return client.recv(512)[3] & 15


def main():
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"tun0", IFF_TUN | IFF_NO_PI))
    for command in ("addr add 10.88.0.1/24 dev tun0", "addr add fd88::1/64 dev tun0 nodad", "link set tun0 up"):
        subprocess.run(["ip", *command.split()], check=True)
    print("ready", flush=True)
    sys.stdin.readline()
    seen = {"out4": asked(tun, socket.AF_INET, "10.88.0.2", "db.test"), "out6": asked(tun, socket.AF_INET6, "fd88::2", "db.test")}
    for key, family, peer, here in (("in4", socket.AF_INET, "10.88.0.2", "10.88.0.1"), ("in6", socket.AF_INET6, "fd88::2", "fd88::1")):
        os.write(tun, packet(family, peer, here, query("db.test")))
        answer = received(tun)
        seen[key] = answer[3] & 15 if answer else None
    seen["other"] = asked(tun, socket.AF_INET, "10.88.0.2", "other.test")
    print(json.dumps(seen), flush=True)
    sys.stdin.readline()


main()
