// Windows that cannot hold enough samples for what is asked of them: right, but bound to be inconclusive.
#include <algorithm>
#include <cmath>

#include "experiments/expectations/wilson.h"
#include "experiments/parse/draft.h"

namespace blackstart {
namespace {

struct Need {
    std::size_t samples = 0;  // 0: no number will do
    std::string what;
};

Need need(const SuccessLimit& success) {
    const auto& limit = success.limit;
    const bool floor = limit.op == Limit::Op::at_least || limit.op == Limit::Op::more;
    // A share is at most x when its complement is at least 1 - x.
    return {clean_samples(floor ? limit.value : 1 - limit.value), "success " + limit.text};
}

Need need(const LatencyLimits& latency) {
    if (latency.quantiles.empty()) return {1, ""};
    const auto& [quantile, limit] = *latency.quantiles.rbegin();
    return {static_cast<std::size_t>(std::ceil(1 / (1 - quantile) - 1e-6)), "latency " + limit.text};
}

template <class Other> Need need(const Other&) { return {1, ""}; }

Duration end_of(const PlannedFault& fault) { return fault.at + fault.terms.duration; }

// How long the window of `during` is, as planned.
Duration length(const Draft& draft, const std::string& during) {
    const auto& experiment = draft.head.value;
    if (during == "baseline") return experiment.baseline;
    if (during.empty()) return experiment.duration;
    Duration last{0}, covered{0};
    std::vector<const PlannedFault*> faults;
    for (const auto& drafted : draft.faults) {
        if (drafted.value.name == during) return drafted.value.terms.duration;
        faults.push_back(&drafted.value);
    }
    std::ranges::sort(faults, {}, &PlannedFault::at);
    for (const auto* fault : faults) {
        covered += std::max(Duration{0}, end_of(*fault) - std::max(last, fault->at));
        last = std::max(last, end_of(*fault));
    }
    return during == "fault" ? covered : experiment.duration - last;
}

const Probe* find_probe(const Draft& draft, const std::string& name) {
    for (const auto& drafted : draft.probes)
        if (drafted.value.name == name) return &drafted.value;
    return nullptr;
}

void warn_of_samples(const Draft& draft, const Drafted<Expectation>& drafted, Complaints& complaints) {
    const auto* probe = find_probe(draft, drafted.value.probe);
    if (probe == nullptr || probe->every.count() == 0) return;
    const auto needed = std::visit([](const auto& c) { return need(c); }, drafted.value.condition);
    const auto& [samples, what] = needed;
    const auto held = static_cast<std::size_t>(std::max<std::int64_t>(0, length(draft, drafted.value.during) / probe->every));
    if (what.empty() || (samples != 0 && held >= samples)) return;
    const auto window = drafted.value.during.empty() ? "the time from t0" : "'" + drafted.value.during + "'";
    complaints.warning(place_of(drafted.keys, condition(drafted.value), drafted.place),
                       samples == 0 ? what + ": no number of samples can show that"
                                    : what + ": " + window + " holds " + std::to_string(held) + " observations of '" + probe->name +
                                          "'; it takes " + std::to_string(samples) + " to show that");
}

void warn_of_recovery(const Draft& draft, const Drafted<Expectation>& drafted, Complaints& complaints) {
    const auto* recovers = std::get_if<RecoversWithin>(&drafted.value.condition);
    if (recovers == nullptr || !drafted.value.during.empty()) return;
    for (const auto& [fault, keys, place] : draft.faults) {
        if (fault.name != recovers->fault) continue;
        const auto event = recovers->stop ? end_of(fault) : fault.at;
        if (event + recovers->within + recovers->hold > draft.head.value.duration)
            complaints.warning(place_of(drafted.keys, "recovers_within", drafted.place),
                               "recovers_within: the experiment ends before a recovery that late could hold");
    }
}

// Ten observations at least tell whether a baseline holds (DESIGN: 95% of ten or more).
void warn_of_baseline(const Draft& draft, Complaints& complaints) {
    constexpr std::int64_t least = 10;
    std::set<std::string> told;
    for (const auto& drafted : draft.expectations) {
        const auto* probe = find_probe(draft, drafted.value.probe);
        if (probe == nullptr || !probe->baseline || probe->every.count() == 0 || !told.insert(probe->name).second) continue;
        if (const auto held = draft.head.value.baseline / probe->every; held < least)
            complaints.warning(
                place_of(draft.head.keys, "baseline", draft.head.place),
                "baseline: holds " + std::to_string(held) + " observations of '" + probe->name + "'; it takes 10 to be steady");
    }
}

}  // namespace

void warn_of_scarcity(const Draft& draft, Complaints& complaints) {
    if (draft.faults.empty()) complaints.warning({}, "there is no [[fault]]: a run can only be inconclusive");
    if (draft.expectations.empty()) complaints.warning({}, "there is no [[expect]]: a run can only be inconclusive");
    for (const auto& expectation : draft.expectations) {
        warn_of_samples(draft, expectation, complaints);
        warn_of_recovery(draft, expectation, complaints);
    }
    warn_of_baseline(draft, complaints);
}

}  // namespace blackstart
