#include "injector/choice.h"

#include "injector/injection.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

constexpr double kCertain = 4294967296.0;  // 2^32, as the programs count chances

std::uint64_t chance(double share) { return static_cast<std::uint64_t>(share * kCertain); }

// The share of time in the bad state.
double bad_share(const Choice& choice) { return choice.share / choice.burst_share; }

}  // namespace

void check(const Choice& choice) {
    if ((choice.every != 0) == (choice.share != 0)) throw Misuse("say which packets are hit: 'share' or 'every', one of them");
    if (choice.every != 0 && choice.burst != 0) throw Misuse("burst: a burst needs 'share': 'every' has none");
    if (choice.every == 0 && !(choice.share > 0 && choice.share <= 1)) throw Misuse("share: above 0% and at most 100%");
    if (choice.burst == 0) return;
    if (!(choice.burst_share > 0 && choice.burst_share <= 1)) throw Misuse("burst_share: above 0% and at most 100%");
    if (choice.share >= choice.burst_share) throw Misuse("share: must be below 'burst_share', or all time is a burst");
    const double bad = bad_share(choice);
    if (bad / (1 - bad) > choice.burst) throw Misuse("burst: bursts that short cannot make up such a share");
}

::loss kernel_choice(const Choice& choice, Terms& terms) {
    check(choice);
    ::loss out{};
    out.every = choice.every;
    out.per_segment = choice.per_segment ? 1 : 0;
    if (choice.every == 0) terms.probability = choice.share;
    if (choice.burst == 0) return out;
    const double bad = bad_share(choice);
    out.leave = chance(1.0 / choice.burst);
    out.enter = chance(bad / (1 - bad) / choice.burst);
    out.in_burst = chance(choice.burst_share);
    return out;
}

}  // namespace blackstart
