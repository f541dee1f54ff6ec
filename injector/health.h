// Health checks that lie: the answer to a check is changed in flight, and nothing else on the port is.
#pragma once

#include <chrono>
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
//   reset    a RST takes its place, as if the server had sent it. Of an answer that is sent again and again the fifth sending passes,
//            so that the client's own RST ends the server's side.
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
    enum class Result { status, timeout, reset, pass, not_serving, slow };
    //   slow   its payload, from its first byte on, is held back for `delay` on its way through a helper device (kernel/helper.h), and so
    //          is what follows on that connection until nothing has been held for that long.
    // What a check speaks, where it is not HTTP/1.x:
    //   tcp    a check that only connects: its SYN is the request, and what comes back is dropped (timeout) or becomes a RST. Nothing
    //          tells it from any other connection but its source: `from`.
    //   redis  PING as HAProxy and Redis clients send it; `not_serving` answers "-ERR" in as many bytes as PONG has, `pass` makes of
    //          an error ("-LOADING ...") a simple string of its length that ends with "+PONG".
    //   http2  in clear, with prior knowledge or by an upgrade from HTTP/1.1 (RFC 7540 §3.2), which is unseen if its request has a body or
    //          comes in pieces, or if the server stays with HTTP/1.1. One octet of the answer changes, so only a status that HPACK has a
    //          number for can be shown: 200, 206, 400, 404, 500. An answer with a status that has none (503) is let through, counted
    //          unseen, where it enters the dynamic table; as an entry of it, or if it is never entered, it can be changed.
    //   grpc   grpc.health.v1.Health, Check and Watch, in the same way: `not_serving` turns SERVING into NOT_SERVING, `pass` whatever
    //          status it is into SERVING. A Watch hears the truth again with its next message after the fault.
    // Both are followed from a connection's first octet: one that is older than the prepared fault (in a run: than its baseline) passes,
    // counted unseen once, and so does one of which over 64 KiB came out of order. timeout, reset and slow hit the whole connection.
    //   postgresql  a startup packet with a user and nothing else, as HAProxy sends it: `not_serving` turns the answer into an
    //          ErrorResponse of the same length, `pass` an ErrorResponse into an Authentication message.
    //   mysql  a login with COM_QUIT right behind it, as HAProxy sends it with a user: `not_serving` turns OK into ERR, same length.
    //   agent_check
    //          HAProxy's: each connection to the agent's port; the line that it says first. `not_serving` turns "up ..." into "down" and
    //          a weight ("75%") into 0%, `pass` "down" into "up", filled with blanks: the agent's next line takes it back. An "up" alone
    //          has no room for "down" and passes, counted unseen, as does any other line. Of timeout and reset HAProxy takes no notice.
    //   dns    a query over UDP for `query`: SERVFAIL (`not_serving`) or silence (`timeout`).
    //   exec   the start of `exe` (a program, or a script by its own path) fails, and the process that was to be it dies of SIGKILL.
    // With `sni` a check is a TLS connection to that name: it can be held, slowed or reset, not read.
    enum class Protocol { http, tcp, redis, http2, grpc, postgresql, mysql, dns, exec, agent_check };

    std::vector<std::uint16_t> ports;  // of the checked service, TCP; at least one
    std::string path;                  // the whole path without the query, as sent; a trailing * makes it a prefix; empty: every path
    std::string agent;                 // the value of User-Agent; a trailing * makes it a prefix; empty: any
    std::vector<std::string> from;     // the checkers' addresses or CIDRs, at most 64; empty: any
    Protocol protocol = Protocol::http;
    Result result = Result::status;
    std::string sni;  // the server name of TLS (RFC 6066 §3), in lower case; a leading "*." stands for what is below
    std::string query = "a.root-servers.net";  // the name that a dns check asks for; dnsdist's own by default
    std::string exe;                           // the whole path of what an exec check starts
    std::chrono::nanoseconds delay{0};         // for Result::slow: above 0
    std::uint16_t status = 503;                // for Result::status: 200..599, not 204 or 304 (they have no body: RFC 9110 §15)
};

// Throws Misuse for what does not go together, wherever it is asked.
void check(const HealthFault& fault);

}  // namespace blackstart
