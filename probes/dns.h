// One DNS query to one server, over UDP or TCP, with no cache between. Any reply has a value (an error's is the empty set), except
// a truncated one, which is not ok and whose set is unknown; it is not asked again over TCP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "probes/http.h"

namespace blackstart {

struct DnsProbe {
    static constexpr const char* kind = "dns";
    std::string server;  // not a name: address or address:port, [v6]:port; 53 if no port
    std::string query;   // the name
    std::uint16_t type = 1;
    bool tcp = false;
    std::uint8_t rcode = 0;            // expect.rcode
    int min_answers = 1;               // expect.min_answers: records of the asked type, where the rcode is noerror
    std::vector<std::string> answers;  // expect.answers: exactly this set; empty: any
    std::optional<Extract> value;      // on TXT only; else the value is the set of answers
};

}  // namespace blackstart
