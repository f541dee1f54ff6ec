// Limits, as in ">= 99%" and "<= 250ms".
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/parse/types.h"

namespace blackstart {

// One end of a fault, as in "lie.stop".
struct FaultEnd {
    std::string fault;
    bool stop = false;
};

// An integer, or a number with a fraction; nullopt for anything else.
std::optional<double> plain_number(const Datum& datum);

}  // namespace blackstart

namespace blackstart::type {

// Of a share, from 0% to 100%.
Type<Limit> share_limit();
// Of a duration.
Type<Limit> duration_limit();
// Of a multiple, as in "<= 3x".
Type<Limit> factor_limit();
// true, and nothing else.
Type<bool> only_true();
Type<FaultEnd> fault_end();

}  // namespace blackstart::type
