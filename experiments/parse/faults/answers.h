// What the descriptions of `health` and `http` share: paths, and statuses that can be shown.
#pragma once

#include <cstdint>
#include <string>

#include "experiments/parse/types.h"

namespace blackstart {

// What is wrong with a whole path, without the query, as sent; "" if nothing is.
std::string path_fault(const std::string& path);

// Statuses without a body (RFC 9110 §15.3.5, §15.4.5) would break the framing of the answer that is rewritten.
Type<std::uint16_t> shown_status();

}  // namespace blackstart
