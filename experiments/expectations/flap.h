// How much the probe flapped, as Nagios measures it (base/flapping.c of Nagios Core): 21 states, 20 possible transitions c_i
// from the oldest (i = 1) to the newest, 100/20 · Σ c_i · (0.75 + 0.5 · (i − 1)/19) percent. Recent changes weigh more: from
// 0.75 to 1.25. Nagios keeps the last 21 checks; here they are taken at equal steps across the window, its pauses left out,
// and a state is that of the newest observation then. 21 observations at least.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

Finding judge(const Flap& condition, const Evidence& evidence);

}  // namespace blackstart
