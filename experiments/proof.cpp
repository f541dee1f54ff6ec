#include "experiments/proof.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"

namespace blackstart {
namespace {

struct Record {  // what is recorded of one fault on one target
    std::optional<Time> armed, disarmed;
    std::optional<std::string> lost;
    Tally tally;
    std::optional<std::uint64_t> own_probe_hits;
};

// A fault without a target is on the host, whatever a history calls it.
bool is_of(const std::string& fault, const std::string& target, const PlannedFault& planned, const std::string& on) {
    return fault == planned.name && (planned.targets.empty() || target == on);
}

void add(Record& record, Time t, const event::Disarmed& disarmed) {
    record.disarmed = record.disarmed ? std::max(*record.disarmed, t) : t;
    record.tally.matched = std::max(record.tally.matched, disarmed.tally.matched);
    record.tally.hits = std::max(record.tally.hits, disarmed.tally.hits);
    record.tally.unseen = std::max(record.tally.unseen, disarmed.tally.unseen);
    record.tally.encrypted = std::max(record.tally.encrypted, disarmed.tally.encrypted);
    record.tally.lapsed = record.tally.lapsed || disarmed.tally.lapsed;
    record.own_probe_hits = std::max(record.own_probe_hits, disarmed.own_probe_hits);
}

Record recorded(const PlannedFault& planned, const std::string& on, const History& history) {
    Record record;
    for (const Event& event : history.events) {
        if (const auto* armed = std::get_if<event::Armed>(&event.kind)) {
            if (!is_of(armed->fault, armed->target, planned, on)) continue;
            record.armed = record.armed ? std::min(*record.armed, event.t) : event.t;
        } else if (const auto* disarmed = std::get_if<event::Disarmed>(&event.kind)) {
            if (is_of(disarmed->fault, disarmed->target, planned, on)) add(record, event.t, *disarmed);
        } else if (const auto* lost = std::get_if<event::Lost>(&event.kind)) {
            if (!is_of(lost->fault, lost->target, planned, on)) continue;
            record.lost = record.lost ? std::max(*record.lost, lost->why) : lost->why;
        }
    }
    return record;
}

// A tenth and a second are left for a busy machine.
bool ended_early(const Record& record, const PlannedFault& planned) {
    const Time acted = *record.disarmed - *record.armed;
    return acted <= Time(0) || acted + std::chrono::seconds(1) < planned.terms.duration / 10 * 9;
}

// What went by a fault that hit nothing: ": 3 matched, 1 could not be handled"; "" if there was nothing.
std::string passed_by(const Tally& tally) {
    std::string text;
    if (tally.matched > 0 || tally.unseen > 0) text = fmt::format(": {} matched, {} could not be handled", tally.matched, tally.unseen);
    if (tally.encrypted > 0)
        text += fmt::format("{} {} under TLS could not be read", text.empty() ? ":" : ",", counted(tally.encrypted, "connection"));
    return text;
}

std::string doubt(const Record& record, const PlannedFault& planned) {
    if (record.lost) return record.lost->empty() ? "its target was lost" : *record.lost;
    if (!record.armed) return "it was never in force";
    if (!record.disarmed) return "its end is not recorded";
    if (record.tally.lapsed) return "its lease lapsed";
    if (record.tally.hits == 0) return "it hit nothing" + passed_by(record.tally);
    if (ended_early(record, planned)) {
        return fmt::format("it ended after {} of {}", duration(*record.disarmed - *record.armed), duration(planned.terms.duration));
    }
    return "";
}

Proof proof(const PlannedFault& planned, const std::string& target, const History& history) {
    const Record record = recorded(planned, target, history);
    const std::string why = doubt(record, planned);
    return {planned.name, target, record.tally.hits, record.own_probe_hits, why.empty(), why};
}

}  // namespace

std::vector<Proof> proofs(const Experiment& experiment, const History& history) {
    std::vector<Proof> result;
    for (const PlannedFault& planned : experiment.faults)
        for (const std::string& target : targets_of(planned)) result.push_back(proof(planned, target, history));
    return result;
}

std::string lapsed(const History& history) {
    std::string first;
    for (const Event& event : history.events) {
        const auto* disarmed = std::get_if<event::Disarmed>(&event.kind);
        if (disarmed == nullptr || !disarmed->tally.lapsed) continue;
        if (first.empty() || disarmed->fault < first) first = disarmed->fault;
    }
    return first;
}

}  // namespace blackstart
