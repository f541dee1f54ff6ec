// Health checks that lie: the answer to a check is changed in flight, and nothing else on the port is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace blackstart {

// What is done to the answer of a check (HTTP/1.0 and 1.1, in clear; below: others), on the checked host, the checking host or a
// router:
//   status   its three digits change, and nothing else: body and length are kept. A 204 has neither, so its Date becomes
//            "Content-Length: 0"; where that cannot be (no Date in the packet) and for a 304 it passes, counted unseen.
//   pass     as status, with 200, where it is none of 2xx: a failing check is shown as passing.
//   timeout  its payload is dropped from its first byte on; bare ACKs pass. The late answer arrives if the fault ends first.
//   reset    a RST takes its place, as if the server had sent it. A third sending passes, so that the client's own RST ends
//            the server's side.
// Retransmissions are treated alike for as long as the fault lasts. If it ends between the first sending, lost on its way, and
// the second, the client sees the true answer: late, and whole. Interim responses (1xx) pass; the final one is the answer.
//
// Tally: `matched` counts checks while the fault acts (not in a cycle's pause), a retransmitted one once; `hits` counts
// answers that were really changed, dropped or reset, once each: one that had the wanted status by itself is none; `unseen`
// counts checks that passed because they could not be told safely: a request line or a status line cut in two, a pipelined
// request and every later check on its connection, an answer that is no HTTP/1.x. A connection that switched protocols (101)
// is not looked at again. A cycle by count is kept for each checker address and backend address and port.
//
// With a cgroup scope the side at egress decides, as at ingress the kernel knows no cgroup: the checker's request as it leaves
// a socket of the scope, else the service's answer as it does.
struct HealthFault {
    static constexpr const char* kind = "health";
    enum class Result { status, timeout, reset, pass, not_serving };
    //   tcp    a check that only connects: its SYN is the request, and what comes back is dropped (timeout) or becomes a RST. Nothing
    //          tells it from any other connection but its source: `from`.
    //   redis  PING as HAProxy and Redis clients send it; `not_serving` answers "-ERR" in as many bytes as PONG has.
    enum class Protocol { http, tcp, redis };

    std::vector<std::uint16_t> ports;  // of the checked service, TCP; at least one
    std::string path;                  // the whole path without the query, as sent; a trailing * makes it a prefix; empty: every path
    std::string agent;                 // the value of User-Agent; a trailing * makes it a prefix; empty: any
    std::vector<std::string> from;     // the checkers' addresses or CIDRs, at most 64; empty: any
    Protocol protocol = Protocol::http;
    Result result = Result::status;
    std::uint16_t status = 503;  // for Result::status: 200..599, not 204 or 304 (they have no body: RFC 9110 §15)
};

// Throws Misuse for what does not go together, wherever it is asked.
void check(const HealthFault& fault);

}  // namespace blackstart
