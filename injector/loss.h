// A share of the packets that match is lost, as on a wire: a sender on this host is not told.
#pragma once

#include "injector/choice.h"
#include "injector/match.h"

namespace blackstart {

struct LossFault {
    static constexpr const char* kind = "loss";
    Match match;
    Choice choice;
};

}  // namespace blackstart
