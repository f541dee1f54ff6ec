// The text of a TOML file as a datum.
#pragma once

#include <string_view>

#include "experiments/parse/complaints.h"
#include "experiments/parse/datum.h"

namespace blackstart {

// The whole file as a table. A syntax error is complained about where it stands, and gives an empty table; only the first is
// found, as nothing is known about what follows it.
Datum read_document(std::string_view text, Complaints& complaints);

}  // namespace blackstart
