#include "experiments/expectations/agrees_with.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {
namespace {

struct Share {
    Time differing{0}, unknown{0}, total{0};
    std::optional<Time> first;  // when they first differed
};

// What one probe says at any time of one span; asked in order of time.
class States {
public:
    States(const Evidence& evidence, std::size_t span) : every_(evidence.every) {
        for (const Sample& sample : evidence.samples)
            if (sample.span == span) samples_.push_back(&sample);
    }
    // When what it says may be another from: its observations, and where it is no longer known.
    void edges(std::vector<Time>& out) const {
        for (const Sample* sample : samples_) out.insert(out.end(), {sample->t, sample->t + 3 * every_});
        if (!samples_.empty()) out.push_back(samples_.front()->t - 3 * every_);
    }
    [[nodiscard]] std::optional<bool> at(Time t) {
        while (next_ < samples_.size() && samples_[next_]->t <= t) next_++;
        if (samples_.empty()) return std::nullopt;
        if (next_ == 0) return samples_[0]->t - t <= 3 * every_ ? std::optional(samples_[0]->seen->ok) : std::nullopt;
        return t - samples_[next_ - 1]->t < 3 * every_ ? std::optional(samples_[next_ - 1]->seen->ok) : std::nullopt;
    }

private:
    Time every_;
    std::vector<const Sample*> samples_;
    std::size_t next_ = 0;
};

void add(Share& share, const Span& span, States one, States other) {
    std::vector<Time> edges = {span.from, span.to};
    one.edges(edges);
    other.edges(edges);
    std::erase_if(edges, [&](Time t) { return t < span.from || t > span.to; });
    std::sort(edges.begin(), edges.end());
    for (std::size_t i = 0; i + 1 < edges.size(); i++) {
        const Time length = edges[i + 1] - edges[i];
        if (length == Time(0)) continue;
        const auto a = one.at(edges[i]), b = other.at(edges[i]);
        share.total += length;
        if (!a || !b) share.unknown += length;
        if (!a || !b || *a == *b) continue;
        share.differing += length;
        if (!share.first) share.first = edges[i];
    }
}

double ratio(Time part, Time of) { return static_cast<double>(part.count()) / static_cast<double>(of.count()); }

}  // namespace

Finding judge(const AgreesWith& condition, const Evidence& evidence, const Evidence& other) {
    const Limit& limit = condition.disagreement;
    Finding finding;
    finding.limit = fmt::format("disagreement with {} {}", condition.other, limit.text);
    finding.samples = evidence.samples.size() + other.samples.size();
    Share share;
    for (std::size_t i = 0; i < evidence.spans.size(); i++) add(share, evidence.spans[i], {evidence, i}, {other, i});
    if (evidence.samples.empty() || other.samples.empty() || share.total == Time(0)) {
        finding.why = evidence.samples.empty() ? evidence.scarcity() : condition.other + ": " + other.scarcity();
        return finding;
    }
    const double least = ratio(share.differing, share.total), most = ratio(share.differing + share.unknown, share.total);
    finding.observed = fmt::format("disagreed for {} of {}: {}", duration(share.differing), duration(share.total), percent_up(least));
    if (share.first) finding.at = *share.first - evidence.t0;
    if (!meets(least, limit) && !meets(most, limit)) {
        finding.outcome = Outcome::deviated;
        finding.why = "it and " + condition.other + " said different things";
    } else if (!meets(least, limit) || !meets(most, limit)) {
        finding.why = fmt::format("for {} one of the two was silent", duration(share.unknown));
    } else if (evidence.too_few() || other.too_few()) {
        finding.why = evidence.too_few() ? evidence.scarcity() : condition.other + ": " + other.scarcity();
    } else {
        finding.outcome = Outcome::held;
    }
    return finding;
}

}  // namespace blackstart
