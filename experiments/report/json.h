// verdict.json, and what `--json` prints: format "blackstart-verdict/1.0".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "experiments/experiment.h"
#include "experiments/verdict.h"

namespace blackstart {

// Keys in a fixed order.
nlohmann::ordered_json verdict_json(const Experiment& experiment, const Verdict& verdict);

// That in one line, UTF-8, a newline at the end; the same verdict always gives the same bytes.
std::string to_json(const Experiment& experiment, const Verdict& verdict);

}  // namespace blackstart
