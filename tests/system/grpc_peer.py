"""A gRPC server and a health client of a real gRPC library, without generated code: messages go as they are on the wire.

`python3 grpc_peer.py serve PORT`: grpc.health.v1.Health (Check and Watch say SERVING; Check of the service "sick" says NOT_SERVING)
and shop.Shop/Buy, which answers with what it was sent.
`python3 grpc_peer.py ask HOST:PORT`: one line of JSON for each line read: `check [SERVICE]`, `buy N`, `watch` (the next message, of
one Watch from beginning to end), over one connection.
"""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc

NAMES = {b"": "UNKNOWN", b"\x08\x01": "SERVING", b"\x08\x02": "NOT_SERVING", b"\x08\x03": "SERVICE_UNKNOWN"}


def serve(port):
    def check(request, _):
        return b"\x08\x02" if request.endswith(b"sick") else b"\x08\x01"

    def watch(*_):
        turn = threading.Event()
        while True:
            yield b"\x08\x01"
            turn.wait(0.2)

    server = grpc.server(ThreadPoolExecutor(32))
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": unary(check), "Watch": stream(watch)}),
            grpc.method_handlers_generic_handler("shop.Shop", {"Buy": unary(lambda request, _: request)}),
        )
    )
    server.add_insecure_port(f"[::]:{port}")
    server.start()
    server.wait_for_termination()


def ask(target):
    channel = grpc.insecure_channel(target)
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    buy = channel.unary_unary("/shop.Shop/Buy")
    messages = None
    for line in sys.stdin:
        word, *rest = line.split()
        try:
            if word == "check":
                service = rest[0].encode() if rest else b""
                said = NAMES[check(b"\x0a" + bytes([len(service)]) + service if service else b"", timeout=2)]
            elif word == "buy":
                wanted = b"\x08\x01" * int(rest[0])
                said = buy(wanted, timeout=20) == wanted
            else:
                messages = messages or channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
                said = NAMES[next(messages)]
        except grpc.RpcError as error:
            said = error.code().name
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](sys.argv[2])
