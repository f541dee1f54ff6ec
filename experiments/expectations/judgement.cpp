#include "experiments/expectations/judgement.h"

#include <algorithm>

#include "experiments/expectations/agrees_with.h"
#include "experiments/expectations/amplification.h"
#include "experiments/expectations/exactly.h"
#include "experiments/expectations/flap.h"
#include "experiments/expectations/latency.h"
#include "experiments/expectations/max_transitions.h"
#include "experiments/expectations/max_undos.h"
#include "experiments/expectations/never_backwards.h"
#include "experiments/expectations/never_below.h"
#include "experiments/expectations/never_empty.h"
#include "experiments/expectations/recovers_within.h"
#include "experiments/expectations/spread.h"
#include "experiments/expectations/success.h"
#include "experiments/expectations/velocity.h"

namespace blackstart {
namespace {

struct Asked {  // all that a condition may be judged by
    const Expectation& expectation;
    const Experiment& experiment;
    const Timeline& timeline;
    const Probe* probe;  // none where a meter is judged

    [[nodiscard]] Evidence evidence() const { return timeline.evidence(*probe, expectation.during); }
    [[nodiscard]] Evidence baseline() const { return timeline.evidence(*probe, "baseline"); }
    [[nodiscard]] Counts counts() const { return timeline.counts(meter(expectation), expectation.during); }
    [[nodiscard]] Counts baseline_counts() const { return timeline.counts(meter(expectation), "baseline"); }
};

const Probe* probe_of(const Experiment& experiment, const std::string& name) {
    const auto probe = std::ranges::find(experiment.probes, name, &Probe::name);
    return probe == experiment.probes.end() ? nullptr : &*probe;
}

Finding nothing(const std::string& why) {
    Finding finding;
    finding.why = why;
    return finding;
}

// What each condition is judged by. A condition without a judge() does not compile.
template <class Condition> Finding found(const Condition& condition, const Asked& asked) { return judge(condition, asked.evidence()); }
Finding found(const NeverBelow& condition, const Asked& asked) { return judge(condition, asked.evidence(), asked.baseline()); }
Finding found(const Velocity& condition, const Asked& asked) { return judge(condition, asked.evidence(), asked.baseline()); }
Finding found(const MaxUndos& condition, const Asked& asked) { return judge(condition, asked.evidence(), asked.timeline.fault_changes()); }
Finding found(const RecoversWithin& condition, const Asked& asked) {
    const Timeline& timeline = asked.timeline;
    return judge(condition, asked.evidence(), condition.stop ? timeline.stop(condition.fault) : timeline.start(condition.fault));
}
Finding found(const AgreesWith& condition, const Asked& asked) {
    const Probe* other = probe_of(asked.experiment, condition.other);
    if (other == nullptr) return nothing("there is no probe " + condition.other);
    return judge(condition, asked.evidence(), asked.timeline.evidence(*other, asked.expectation.during));
}

Finding found(const Amplification& condition, const Asked& asked) { return judge(condition, asked.counts(), asked.baseline_counts()); }
Finding found(const Spread& condition, const Asked& asked) {
    const Timeline& timeline = asked.timeline;
    const auto trigger = condition.fault.empty() ? timeline.stop("")
                         : condition.stop        ? timeline.stop(condition.fault)
                                                 : timeline.start(condition.fault);
    return judge(condition, asked.counts(), asked.baseline_counts(), trigger);
}

}  // namespace

Finding find(const Expectation& expectation, const Experiment& experiment, const Timeline& timeline) {
    const Probe* probe = probe_of(experiment, expectation.probe);
    if (probe == nullptr && meter(expectation).empty()) return nothing("there is no such probe");
    const Asked asked{expectation, experiment, timeline, probe};
    return std::visit([&](const auto& condition) { return found(condition, asked); }, expectation.condition);
}

}  // namespace blackstart
