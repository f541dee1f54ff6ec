// The probe kinds, described.
#pragma once

#include <string>
#include <vector>

#include "experiments/parse/keys.h"
#include "probes/probe.h"

namespace blackstart {

// What each kind defines for its own struct, in probes/<kind>.cpp, as a specialisation; a kind without it does not link.
template <class Kind> void describe_probe(Keys& keys, Kind& probe);

std::vector<std::string> probe_kinds();
// The kind must be one of probe_kinds().
ProbeKind make_probe(const std::string& kind);

// The keys of a kind, bound to `probe`, with those that every kind takes.
Keys probe_keys(Probe& probe);

// value = { json = "/pointer" } or { regex = "…" }
Type<Extract> extract();

// Whether its observations have a value.
bool has_value(const Probe& probe);

}  // namespace blackstart
