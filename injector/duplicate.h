// A share of the packets that match is sent twice, the second right behind the first.
#pragma once

#include "injector/choice.h"
#include "injector/match.h"

namespace blackstart {

struct DuplicateFault {
    static constexpr const char* kind = "duplicate";
    Match match;
    Choice choice;
};

}  // namespace blackstart
