// --start-at: when a run or a fault is to begin, and waiting for it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace blackstart {

// "2026-11-23T14:30:00Z" (RFC 3339, with its offset), or "14:30" and "14:30:05", local time: the next time that clocks show it.
// Nanoseconds since 1970. `now` likewise. Throws Misuse for anything else, and for a time that is past.
std::int64_t start_time(const std::string& text, std::int64_t now);

// Until then, by the wall clock, which may be set meanwhile. Returns the signal that ended it (SIGINT, SIGTERM, SIGHUP); 0: none did.
// `begun` is called once a signal would.
int wait_until(std::int64_t epoch_ns, const std::function<void()>& begun);

}  // namespace blackstart
