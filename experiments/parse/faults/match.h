// The keys that every network kind matches on, and those that say which of the matches are hit.
#pragma once

#include "experiments/parse/keys.h"
#include "injector/choice.h"
#include "injector/match.h"

namespace blackstart {

// to, from, port, protocol, direction; refuses a fault with no matcher at all unless it says to = "any".
void describe_match(Keys& keys, Match& match);

// share or every, burst, burst_share, per; `done` to them: "lost", "damaged".
void describe_choice(Keys& keys, Choice& choice, const std::string& done);

}  // namespace blackstart
