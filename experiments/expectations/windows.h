// Which observations an expectation speaks of: a history, put in order once, and the windows that its events open.
// An observation belongs to the window in which it started. The order of a history's lines does not matter.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/history.h"

namespace blackstart {

struct Span {  // [from, to)
    Time from{0}, to{0};
};

struct Sample {
    Time t{0};
    const event::Observed* seen = nullptr;
    std::size_t span = 0;  // index in Evidence::spans
};

// What one probe saw in one window, and how much it was to see.
struct Evidence {
    std::vector<Sample> samples;  // by time; at equal times ok ones first
    std::vector<Span> spans;      // apart and in order, none beyond the time when observation was to end. None: the window never was
    std::chrono::nanoseconds every{0};
    Time t0{0};

    // Probes are open loop, so that the number of ticks in a span is known. Missing: what is not there, one for each span
    // aside, as a tick may fall on its edge.
    [[nodiscard]] std::size_t missing() const;
    // Over a tenth is missing: the probe died, or did not keep up. No verdict but a certain deviation rests on it.
    [[nodiscard]] bool too_few() const;
    // Why nothing can be said, where too_few() or there are no samples.
    [[nodiscard]] std::string scarcity() const;
};

// What a meter counted in one window, and how long it counted before t0.
struct Counts {
    struct Second {
        Time t{0};
        std::chrono::nanoseconds length{0};
        std::uint64_t count = 0;
    };
    std::vector<Second> seconds;  // by time: those that the window's spans touch
    std::vector<Span> spans;      // as in Evidence
    Time t0{0};
};

class Timeline {
public:
    // Both must outlive it.
    Timeline(const Experiment& experiment, const History& history);

    [[nodiscard]] std::optional<Time> t0() const { return t0_; }
    // When the fault began to act, on its first target; when it had ended, on its last; "": any fault, the last fault. As
    // recorded; nullopt if it is not.
    [[nodiscard]] std::optional<Time> start(const std::string& fault) const;
    [[nodiscard]] std::optional<Time> stop(const std::string& fault) const;
    // When any fault began or ended on any of its targets, in order.
    [[nodiscard]] std::vector<Time> fault_changes() const;
    // All that was observed, by probe; in the order of Evidence::samples.
    using Observations = std::unordered_map<std::string, std::vector<Sample>>;
    [[nodiscard]] const Observations& observations() const { return samples_; }
    // `during` as an expectation has it.
    [[nodiscard]] Evidence evidence(const Probe& probe, const std::string& during) const;
    [[nodiscard]] Counts counts(const std::string& meter, const std::string& during) const;

private:
    struct Act {  // of one fault on one target
        std::string fault;
        std::optional<Time> armed, ended;
    };
    [[nodiscard]] std::vector<Span> window(const std::string& during) const;
    [[nodiscard]] std::vector<Span> cut_at_end(std::vector<Span> spans, const std::string& during) const;
    [[nodiscard]] std::vector<Span> acts(const std::string& fault) const;
    Act& act(const std::string& fault, const std::string& target);

    std::optional<Time> started_, t0_;
    std::optional<Time> end_;  // when observation was to end
    std::map<std::pair<std::string, std::string>, Act> acts_;
    Observations samples_;
    std::unordered_map<std::string, std::vector<Counts::Second>> seconds_;  // by meter
};

}  // namespace blackstart
