// Whether two faults of a file can meet, whatever their kind.
#pragma once

#include "experiments/parse/draft.h"

namespace blackstart {

bool at_one_time(const PlannedFault& one, const PlannedFault& other);
// On one packet, as far as the words of their targets tell.
bool same_place(const PlannedFault& one, const PlannedFault& other, const Draft& draft);

}  // namespace blackstart
