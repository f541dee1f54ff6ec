// The keys that every network kind matches on.
#pragma once

#include "experiments/parse/keys.h"
#include "injector/latency.h"

namespace blackstart {

// to, from, port, protocol, direction; refuses a fault with no matcher at all unless it says to = "any".
void describe_match(Keys& keys, Match& match);

}  // namespace blackstart
