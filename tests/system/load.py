"""Data beside health checks, over HTTP/1.1: `python3 load.py HOST PORT SECONDS CONNECTIONS [data]` prints one JSON object.

Each connection is kept and asks for bodies of its own sizes; one more asks for data and checks in turn. A check is /healthz; with `data` there are none.
"""

import asyncio
import json
import sys
import time

from web import body

HOST, PORT, SECONDS, CONNECTIONS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
CHECKS = "data" not in sys.argv
END = time.monotonic() + SECONDS
told = {"data": 0, "wrong": [], "checks": {}, "latency": []}


async def ask(reader, writer, path):
    writer.write(f"GET {path} HTTP/1.1\r\nHost: web\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
    return int(head[9:12]), await reader.readexactly(size)


async def data(reader, writer, size):
    begin = time.monotonic()
    status, content = await ask(reader, writer, f"/data?size={size}")
    told["latency"].append(time.monotonic() - begin)
    told["data"] += 1
    if status != 200 or content != body(size):
        told["wrong"].append([status, size])


async def check(reader, writer):
    status, content = await ask(reader, writer, "/healthz")
    told["checks"][status] = told["checks"].get(status, 0) + 1
    if content != b"ok":
        told["wrong"].append([status, "check"])


async def worker(n):
    reader, writer = await asyncio.open_connection(HOST, PORT)
    turn = 0
    while time.monotonic() < END:
        turn += 1
        if CHECKS and n == 0 and turn % 2:
            await check(reader, writer)
        else:
            await data(reader, writer, 100 + (n * 37 + turn * 911) % 5000)
        await asyncio.sleep(0.02 if n == 0 else 0.2)
    writer.close()


async def checker():
    """A connection for each check, as most checkers have it."""
    while CHECKS and time.monotonic() < END:
        reader, writer = await asyncio.open_connection(HOST, PORT)
        await check(reader, writer)
        writer.close()
        await asyncio.sleep(0.02)


async def main():
    await asyncio.gather(checker(), *[worker(n) for n in range(CONNECTIONS + 1)])


asyncio.run(main())
latency = sorted(told.pop("latency"))
told["median"], told["p99"] = latency[len(latency) // 2], latency[len(latency) * 99 // 100]
print(json.dumps(told))
