// What happened, on one monotonic timeline with a wall-clock origin; and its NDJSON form, history.ndjson.
//
// The first line carries the format: {"format":"blackstart-history/1.1","version":…,"experiment":…,"seed":…,
// "origin":"2026-11-23T06:31:09.123456789Z","file":…}. Each further line is one event, {"t":NANOSECONDS,"event":KIND,…}, where t
// counts from the origin. Minor versions add keys or kinds, which readers ignore; major versions break.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "injector/injection.h"
#include "probes/observation.h"

namespace blackstart {

inline constexpr std::string_view history_format = "blackstart-history/1.1";

using Time = std::chrono::nanoseconds;  // since the origin of the history

namespace event {

// `kind` is the word of the event in the file.
struct Started {  // probes begin to tick
    static constexpr const char* kind = "baseline";
};
struct T0 {  // the baseline is over, faults may act
    static constexpr const char* kind = "t0";
};
struct Armed {
    static constexpr const char* kind = "armed";
    std::string fault, target, how;
};
struct Disarmed {  // restored on this target, by its end or early
    static constexpr const char* kind = "disarmed";
    std::string fault, target;
    Tally tally;
    std::optional<std::uint64_t> own_probe_hits;  // where they can be told
};
struct Lost {  // the target went away, or arming failed; the fault is not proved
    static constexpr const char* kind = "lost";
    std::string fault, target, why;
};
struct Observed {  // t is when it started
    static constexpr const char* kind = "observation";
    std::string probe;
    bool ok = false;
    std::string why;
    std::chrono::nanoseconds latency{0};
    std::optional<Value> value;
};
struct Counted {  // what a meter counted from t on
    static constexpr const char* kind = "count";
    std::string meter;
    std::uint64_t count = 0;
    std::chrono::nanoseconds length{0};  // for how long: a second, or what was left of one at t0 and at the end
};
struct Service {  // something about a lab service: "started", "exited 1", "restarted"
    static constexpr const char* kind = "service";
    std::string name, what;
};
struct Tripped {  // a guard ended the run
    static constexpr const char* kind = "guard";
    std::string probe, why;
};
struct Unsteady {  // the baseline did not hold when it was looked at before t0; the run ended there
    static constexpr const char* kind = "unsteady";
    std::string why;
};
struct Interrupted {
    static constexpr const char* kind = "interrupted";
    int signal = 0;
};
struct Restored {  // after the last fault and the lab are gone, was the host looked over and found whole
    static constexpr const char* kind = "restored";
    bool whole = false;
    std::vector<std::string> left;  // what was found of ours
};
struct Ended {  // the history is complete
    static constexpr const char* kind = "end";
};

}  // namespace event

using EventKind = std::variant<event::Started, event::T0, event::Armed, event::Disarmed, event::Lost, event::Observed, event::Counted,
                               event::Service, event::Tripped, event::Unsteady, event::Interrupted, event::Restored, event::Ended>;

struct Event {
    Time t{0};
    EventKind kind;
};

struct History {
    std::string experiment;  // its name
    std::uint64_t seed = 0;
    std::string origin;         // wall clock, RFC 3339, UTC, nanoseconds
    std::string version;        // of blackstart
    std::string file;           // the experiment's, as it was seen from where it was run; "" in histories before 1.1
    std::vector<Event> events;  // as recorded: by time of writing, not by t (an observation is written when it ends)
};

// Appends events to a file, a few lines a write(2): what was written survives the process. Observations wait for the next
// event of another kind, for 64 KiB or for 100 ms since the last write, whichever is first, and no longer than the next
// record() after that: call flush() now and then where nothing may follow.
// A write that fails (disk full) is remembered, not thrown: recording never stops a restore. Nothing is written after it,
// so that no hole is taken for silence: such a history has no end, and its verdict is inconclusive.
// Text that is not UTF-8 is kept with U+FFFD in its place; a number that is not finite becomes text.
class Recorder {
public:
    // Creates the file; throws Misuse if it exists or cannot be made. `head.events` is ignored.
    Recorder(const std::filesystem::path& file, const History& head);
    ~Recorder();
    void record(const Event& event);
    void flush();
    [[nodiscard]] const std::string& failure() const;  // "" while every write succeeded

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Reads a whole history. A last line that was cut short is dropped. Throws Misuse with line number for anything else
// that is not a history of a version that this build can read (an event beyond 31 years of the origin among it).
History read_history(const std::filesystem::path& file);

}  // namespace blackstart
