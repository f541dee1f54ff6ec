// Answers that take a way through a helper device, and arrive later for it.
#pragma once

#include <memory>
#include <string>

#include "injector/answers.h"
#include "injector/match_rules.h"
#include "injector/passage.h"

namespace blackstart {

// `Skeleton` is a program that ends with check.bpf.h.
template <class Skeleton> class SlowAnswers final : public Injection {
public:
    SlowAnswers(const AnswerRule& rule, const Target& target, const Terms& terms)
        : rules_({.to = {"any"}, .from = {}, .ports = rule.ports}, target),
          passage_(HelperPlan{.delay = rule.delay}, target, terms),
          packets_(rule.what, target, terms) {}

    Skeleton* operator->() { return packets_.operator->(); }
    void load(const Target& target) { passage_.load(packets_, target); }
    void place(const Interface& interface, Direction direction) { packets_.place(interface, direction); }
    void attach(const Target& target) override { packets_.attach(target); }
    void arm(const Target& target) override {
        passage_.open(packets_, target, rules_);
        packets_.arm(target);
    }
    void disarm() override { packets_.disarm(); }

    // A line that stands still holds answers back: its lease is left to run out.
    bool renew() override { return passage_.working() ? packets_.renew() : !packets_.expired(); }
    [[nodiscard]] Tally tally() const override {
        const Tally counted = packets_.tally();
        Tally tally = passage_.complete(counted);
        tally.hits = counted.hits;  // once an answer, as it is sent on its way
        return tally;
    }
    [[nodiscard]] std::string how() const override { return packets_.how() + ", " + passage_.name(); }
    void footprint(Footprint& footprint) const override {
        packets_.footprint(footprint);
        passage_.footprint(footprint);
    }

private:
    const MatchRules rules_;
    Passage passage_;
    PacketInjection<Skeleton> packets_;
};

}  // namespace blackstart
