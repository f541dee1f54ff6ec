"""Real DNS servers and clients for the tests of the dns fault."""

import re
import time
from dataclasses import dataclass, field

NAMES = ("db.test", "other.test", "a.svc.test", "a.b.svc.test", "svc.test")
REAL4, REAL6 = "192.0.2.80", "2001:db8::80"
SERVERS = ("10.77.0.2", "fd77:0::2")  # of the tests' own lab


def serve(host, *addresses, port=53):
    """dnsmasq in a host, which knows NAMES at REAL4 and REAL6, with a TXT record each."""
    records = [f"--host-record={name},{REAL4},{REAL6}" for name in NAMES] + [f"--txt-record={name},real" for name in NAMES]
    listen = [f"--listen-address={a}" for a in addresses]
    server = host.start("dnsmasq", "-k", "-C", "/dev/null", "-p", port, "--no-resolv", "--no-hosts", "--local=/test/", "--user=root", "--bind-interfaces",
                        "--pid-file=", *listen, *records)
    reach(host, *addresses, port=port)
    return server


def reach(host, *servers, port=53):
    """Until each server answers the host: it listens, neighbours are found, routes are in place."""
    until = time.monotonic() + 10
    for server in servers:
        while dig(host, server, "other.test", "A", f"-p{port}").answers != [REAL4]:
            assert time.monotonic() < until, f"no DNS server at {server} for {host.name}"


@dataclass
class Reply:
    status: str = "none"  # the rcode in capitals; none: no reply
    flags: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    ttls: list = field(default_factory=list)
    opt: str = ""  # dig's line about the OPT record
    question: str = ""
    text: str = ""


def dig(host, server, name, rtype="A", *options):
    result = host.run("dig", "+tries=1", "+time=1", *options, f"@{server}", name, rtype)
    reply = Reply(text=result.stdout + result.stderr)
    if "WARNING" in reply.text.upper().replace("RECURSION REQUESTED BUT NOT AVAILABLE", "") and "status:" in reply.text:
        raise AssertionError(reply.text)  # malformed, stray octets, a wrong question …
    header = re.search(r"status: (\w+)", result.stdout)
    if not header:
        return reply
    reply.status = header[1]
    reply.flags = re.search(r"flags: ([\w ]*);", result.stdout)[1].split()
    opt = re.search(r"^; EDNS: (.*)$", result.stdout, re.M)
    reply.opt = opt[1] if opt else ""
    asked = re.search(r"^;(\S+)\s+IN\s+\S+$", result.stdout, re.M)
    reply.question = asked[1] if asked else ""
    for line in result.stdout.splitlines():
        words = line.split()
        if line and not line.startswith(";") and len(words) >= 5:
            reply.answers.append(words[4])
            reply.ttls.append(int(words[1]))
    return reply


def update(host, server, name, *options):
    """nsupdate adds NAME.zone.test at 192.0.2.1; the seconds that it takes."""
    start = time.monotonic()
    done = host.run("nsupdate", *options, input=f"server {server}\nzone zone.test\nupdate add {name}.zone.test 60 A 192.0.2.1\nsend\n", timeout=20)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - start


def with_resolver(host, nameserver, options, *argv, timeout=30):
    """Runs a command inside, with a resolv.conf in a mount namespace of its own."""
    script = 'umask 022; f=$(mktemp); printf "nameserver %s\\noptions %s\\n" "$1" "$2" > $f; mount --bind $f "$(readlink -f /etc/resolv.conf)"; rm $f; shift 2; exec "$@"'
    return host.run("unshare", "-m", "sh", "-c", script, "sh", nameserver, options, *argv, timeout=timeout)


def lookup(host, nameserver, name, family=0, argv=None, timeout=30, options="timeout:1 attempts:1"):
    """What getaddrinfo, or a program in its place, says inside: (sorted addresses, error name)."""
    program = argv or ["/usr/bin/python3", "-c", _GETADDRINFO]
    result = with_resolver(host, nameserver, options, *program, name, family, timeout=timeout)
    assert result.returncode == 0, result.stderr
    words = result.stdout.split()
    return (sorted(words[1:]), "") if words[0] == "ok" else ([], words[1])


def go_lookup(host, nameserver, name):
    """What a program in Go says when it cannot reach http://NAME: hosts of the lab have no route to what is told."""
    argv = ["env", "GODEBUG=netdns=go", "hey", "-n", "1", "-c", "1", "-t", "8", f"http://{name}/"]
    return with_resolver(host, nameserver, "timeout:1 attempts:1", *argv).stdout


_GETADDRINFO = """
import socket, sys
names = {getattr(socket, n): n for n in dir(socket) if n.startswith('EAI_')}
try:
    found = socket.getaddrinfo(sys.argv[1], 80, int(sys.argv[2]), socket.SOCK_STREAM)
    print('ok', *{entry[4][0] for entry in found})
except socket.gaierror as error:
    print('failed', names.get(error.errno, error.errno))
"""

C_ARES = """
import pycares, select, socket, sys
channel, told, none = pycares.Channel(timeout=1, tries=1), [], pycares.ARES_SOCKET_BAD
channel.getaddrinfo(sys.argv[1], 80, lambda found, error: told.append((found, error)), family=int(sys.argv[2]), type=socket.SOCK_STREAM)
while not told:
    reading, writing = channel.getsock()
    readable, writable, _ = select.select(reading, writing, [], channel.timeout() or 0.01)
    for fd in readable:
        channel.process_fd(fd, none)
    for fd in writable:
        channel.process_fd(none, fd)
    if not readable and not writable:
        channel.process_fd(none, none)
found, error = told[0]
if error is None:
    print('ok', *{node.addr[0].decode() for node in found.nodes})
else:
    print('failed', pycares.errno.errorcode[error])
"""

MUSL_SOURCE = r"""
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char** argv) {
    (void)argc;
    struct addrinfo hints = {.ai_family = atoi(argv[2]), .ai_socktype = SOCK_STREAM}, *found;
    const int error = getaddrinfo(argv[1], "80", &hints, &found);
    if (error == EAI_NONAME) return puts("failed EAI_NONAME"), 0;
    if (error == EAI_AGAIN) return puts("failed EAI_AGAIN"), 0;
    if (error) return printf("failed %d\n", error), 0;
    printf("ok");
    for (; found; found = found->ai_next) {
        char text[64];
        getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, 0, 0, NI_NUMERICHOST);
        printf(" %s", text);
    }
    return puts(""), 0;
}
"""
