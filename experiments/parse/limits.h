// Limits, as in ">= 99%" and "<= 250ms".
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/parse/types.h"

namespace blackstart::type {

// Of a share, from 0% to 100%.
Type<Limit> share_limit();
// Of a duration.
Type<Limit> duration_limit();

}  // namespace blackstart::type
