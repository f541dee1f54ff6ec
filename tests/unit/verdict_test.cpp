#include "experiments/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/story.h"

namespace blackstart {
namespace {

using testing::HasSubstr;

// Held: 90% of customers' requests are well while the checks lie.
Story good() {
    Story story;
    story.expect(SuccessLimit{at_least(0.9, ">= 90%")}, "fault");
    return story;
}

void add_second_fault(Story& story, std::uint64_t hits, bool lapsed = false) {
    story.add_fault("slow", {"db"}, 14, 3);
    story.add(14, event::Armed{"slow", "db", "tcx"});
    story.add(17, event::Disarmed{"slow", "db", {9, hits, 9 - hits, 0, lapsed}, std::nullopt});
}

void expect_rung(const Story& story, int exit_code, const std::string& reason) {
    const Verdict verdict = story.verdict();
    EXPECT_EQ(verdict.exit_code, exit_code);
    EXPECT_THAT(verdict.reason, HasSubstr(reason));
    EXPECT_EQ(verdict.verdict, exit_code == 0 ? Outcome::held : exit_code == 1 ? Outcome::deviated : Outcome::inconclusive);
}

// --- the rungs, from the lowest to the highest: each story has every lower failure too ---

TEST(Rung, HeldIs0) { expect_rung(good(), 0, "every expectation was met"); }

TEST(Rung, AnInconclusiveExpectationIs3) {
    Story story = good();
    story.expect(SuccessLimit{at_least(0.99, ">= 99%")}, "fault");
    expect_rung(story, 3, "268");
}

TEST(Rung, AnUnprovedFaultIs3) {
    Story story = good();
    add_second_fault(story, 0);
    expect_rung(story, 3, "slow on db is not proved: it hit nothing");
}

TEST(Rung, ADeviationIs1EvenIfAnotherFaultIsUnproved) {
    Story story = good();
    add_second_fault(story, 0);
    story.expect(SuccessLimit{at_least(0.99, ">= 99%")}, "fault");
    story.fail(3, 6);
    expect_rung(story, 1, "success of customers during the fault: 76.92%");
}

Story deviating() {
    Story story = good();
    story.fail(3, 6);
    return story;
}

TEST(Rung, NoProvedFaultIs3) {
    Story story = deviating();
    story.the<event::Disarmed>().tally.hits = 0;
    expect_rung(story, 3, "lie on web is not proved");
}

TEST(Rung, AFaultIsProvedOnAllItsTargetsOrNot) {
    Story story = deviating();
    story.experiment.faults[0].targets = {"web", "web2"};
    story.add(2, event::Armed{"lie", "web2", "tcx"});
    story.add(12, event::Disarmed{"lie", "web2", {}, std::nullopt});
    expect_rung(story, 3, "lie on web2 is not proved");
    add_second_fault(story, 1);
    expect_rung(story, 1, "success of customers");
}

TEST(Rung, NoFaultOrNoExpectationIs3) {
    Story no_expectation;
    expect_rung(no_expectation, 3, "no expectation");
    Story no_fault = deviating();
    no_fault.experiment.faults.clear();
    expect_rung(no_fault, 3, "no fault");
}

TEST(Rung, ALapsedLeaseIs3WhateverElseHappened) {
    Story story = deviating();
    add_second_fault(story, 5, true);
    expect_rung(story, 3, "the lease of slow lapsed");
}

TEST(Rung, AnUnsteadyBaselineIs3) {
    Story story = deviating();
    story.fail(-4, -3);
    expect_rung(story, 3, "baseline did not hold: customers was ok in 80.00%");
    EXPECT_FALSE(story.verdict().baseline);
}

TEST(Rung, ATrippedGuardIs3) {
    Story story = deviating();
    story.add(6, event::Tripped{"customers", "success < 50%"});
    expect_rung(story, 3, "a guard tripped: customers: success < 50%");
}

TEST(Rung, ARunThatStoppedBeforeT0Is3) {
    Story story = deviating();
    story.forget<event::T0>();
    expect_rung(story, 3, "ended before t0");
    story.add(0, event::Unsteady{"customers was ok in 12%"});
    expect_rung(story, 3, "looked at before t0: customers was ok in 12%");
    EXPECT_FALSE(story.verdict().baseline);
}

TEST(Rung, AHistoryWithoutItsEndIs3AndNeverHeld) {
    for (Story story : {good(), deviating()}) {
        Story no_end = story;
        no_end.forget<event::Ended>();
        expect_rung(no_end, 3, "no end");
        Story not_restored = story;
        not_restored.forget<event::Restored>();
        expect_rung(not_restored, 3, "before the host was found whole");
        EXPECT_FALSE(not_restored.verdict().restored);
        not_restored.add(6, event::Interrupted{15});  // 143 promises "and restored"
        expect_rung(not_restored, 3, "before the host was found whole");
    }
}

TEST(Rung, InterruptedIs128AndTheFirstSignal) {
    Story story = deviating();
    story.fail(-4, -3);
    story.add(6, event::Tripped{"customers", "success < 50%"});
    story.add(8, event::Interrupted{15});
    expect_rung(story, 143, "SIGTERM");
    story.add(7, event::Interrupted{2});
    expect_rung(story, 130, "SIGINT");
    story.forget<event::Ended>();
    expect_rung(story, 130, "SIGINT");
}

TEST(Rung, AHostThatIsNotWholeIs5AboveAll) {
    Story story = deviating();
    story.add(8, event::Interrupted{15});
    story.the<event::Restored>() = {false, {"bsd0", "lo.route_localnet"}};
    expect_rung(story, 5, "not whole: bsd0, lo.route_localnet");
    EXPECT_FALSE(story.verdict().restored);
    story.add(21, event::Restored{true, {}});  // at the same time: the worse is believed
    expect_rung(story, 5, "not whole");
    story.forget<event::Ended>();
    expect_rung(story, 5, "not whole");
}

TEST(Rung, AnEmptyHistoryIs3) {
    Story story = good();
    story.history.events.clear();
    expect_rung(story, 3, "before the host was found whole");
}

// --- proof ---

Proof proof(const Story& story) { return story.verdict().faults.at(0); }

TEST(Proofs, CarryHitsAndOurOwnShare) {
    Story story = good();
    EXPECT_TRUE(proof(story).proved);
    EXPECT_EQ(proof(story).hits, 36U);
    EXPECT_EQ(proof(story).own_probe_hits, std::nullopt);
    story.the<event::Disarmed>().own_probe_hits = 36;
    EXPECT_EQ(proof(story).own_probe_hits, 36U);
    EXPECT_TRUE(proof(story).proved);
}

TEST(Proofs, AFaultWithoutATargetIsOnTheHost) {
    Story story = good();
    story.experiment.faults[0].targets.clear();
    EXPECT_EQ(proof(story).target, "host");
    EXPECT_TRUE(proof(story).proved);
}

TEST(Proofs, SayWhyNot) {
    const auto why = [](const std::function<void(Story&)>& change) {
        Story story = good();
        change(story);
        const Proof found = proof(story);
        EXPECT_EQ(found.proved, found.why.empty());
        EXPECT_NE(story.verdict().exit_code, 0) << found.why;
        return found.why;
    };
    EXPECT_EQ(why([](Story& s) { s.the<event::Disarmed>().tally = {}; }), "it hit nothing");
    EXPECT_THAT(why([](Story& s) { s.the<event::Disarmed>().tally = {7, 0, 7, 0, false}; }), HasSubstr("7 matched"));
    EXPECT_EQ(why([](Story& s) {
                  s.the<event::Disarmed>().tally = {0, 0, 2, 0, false};
              }),
              "it hit nothing: 0 matched, 2 could not be handled");
    EXPECT_EQ(why([](Story& s) { s.the<event::Disarmed>().tally = {0, 0, 0, 0, false, std::nullopt, 1}; }),
              "it hit nothing: 1 connection under TLS could not be read");
    EXPECT_EQ(why([](Story& s) { s.the<event::Disarmed>().tally.lapsed = true; }), "its lease lapsed");
    EXPECT_EQ(why([](Story& s) { s.forget<event::Armed>(); }), "it was never in force");
    EXPECT_EQ(why([](Story& s) { s.forget<event::Disarmed>(); }), "its end is not recorded");
    EXPECT_EQ(why([](Story& s) { s.add(3, event::Lost{"lie", "web", "the target went away"}); }), "the target went away");
    EXPECT_EQ(why([](Story& s) { s.the<event::Armed>().target = "elsewhere"; }), "it was never in force");
    EXPECT_EQ(why([](Story& s) {
                  s.forget<event::Disarmed>();
                  s.add(5, event::Disarmed{"lie", "web", {40, 36, 0, 0, false}, std::nullopt});
              }),
              "it ended after 3s of 10s");
}

// --- the baseline ---

std::string baseline(const std::function<void(Story&)>& change) {
    Story story = good();
    change(story);
    return story.verdict().baseline_why;
}

TEST(Baseline, Needs95PercentOfTenAtLeast) {
    EXPECT_EQ(baseline([](Story&) {}), "");
    EXPECT_EQ(baseline([](Story& s) { s.fail(-4, -3.8); }), "");  // 48 of 50
    EXPECT_THAT(baseline([](Story& s) { s.fail(-4, -3.7, "timeout"); }), HasSubstr("was ok in 94.00% of 50 observations only"));
    EXPECT_THAT(baseline([](Story& s) { s.silence(-4.1, 0); }), HasSubstr("has 9 observations in the baseline, and 10 are needed"));
    EXPECT_THAT(baseline([](Story& s) { s.silence(-4, 0); }), HasSubstr("10 times where 50 were due"));
    EXPECT_THAT(baseline([](Story& s) { s.silence(-5, 0); }), HasSubstr("has 0 observations"));
}

TEST(Baseline, MeetsTheLimitsThatTheProbeIsJudgedBy) {
    EXPECT_THAT(baseline([](Story& s) {
                    s.expect(SuccessLimit{at_least(0.99, ">= 99%")}, "after");
                    s.fail(-4, -3.9);
                }),
                HasSubstr("was ok in 98.00%, limit >= 99%"));
    EXPECT_THAT(baseline([](Story& s) {
                    s.expect(LatencyLimits{{{0.99, at_most(5e6, "<= 5ms")}}});
                }),
                HasSubstr("had a p99 of 10ms, limit <= 5ms"));
    // Limits that ask for failures or slowness are about the fault.
    EXPECT_EQ(baseline([](Story& s) { s.expect(SuccessLimit{at_most(0.1, "<= 10%")}, "fault"); }), "");
    EXPECT_EQ(baseline([](Story& s) { s.expect(LatencyLimits{{{0.5, {Limit::Op::at_least, 1e9, ">= 1s"}}}}, "fault"); }), "");
}

TEST(Baseline, AsksOnlyProbesThatAnExpectationNames) {
    const auto broken_probe = [](Story& s) {
        s.add_probe("names");
        s.observe("names", -5, 20);
        s.fail(-5, 0, "nxdomain", "names");
    };
    EXPECT_EQ(baseline(broken_probe), "");
    EXPECT_THAT(baseline([&](Story& s) {
                    broken_probe(s);
                    s.expect(NeverEmpty{}, "", "names");
                }),
                HasSubstr("names was ok in 0.00%"));
    EXPECT_EQ(baseline([&](Story& s) {
                  broken_probe(s);
                  s.expect(NeverEmpty{}, "", "names");
                  s.experiment.probes.back().baseline = false;
              }),
              "");
}

TEST(Baseline, CanBeAskedBeforeT0) {
    Story story = good();
    std::erase_if(story.history.events, [&](const Event& event) { return event.t >= story.t0 - at(0.5); });  // the rest is in flight
    EXPECT_EQ(baseline_failure(story.experiment, story.history), "");
    story.fail(-4, -3);
    EXPECT_THAT(baseline_failure(story.experiment, story.history), HasSubstr("was ok in"));
    story.history.events.clear();
    EXPECT_THAT(baseline_failure(story.experiment, story.history), HasSubstr("0 observations"));
}

}  // namespace
}  // namespace blackstart
