// Rates, as in "10mbit".
#pragma once

#include <cstdint>

#include "experiments/parse/types.h"

namespace blackstart::type {

// "500kbit", "10mbit", "2.5gbit": bits a second, in steps of 1000.
Type<std::uint64_t> rate(std::uint64_t least, std::uint64_t most);

}  // namespace blackstart::type
