// Attaching on kernels without tcx (before Linux 6.6): a direct-action BPF filter on the interface's clsact qdisc. Unlike a
// link it outlives its process, so each is a record of the journal (journal.h); these are the operations that it calls.
// All of them act in the namespace of the calling thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "injector/kernel/direction.h"
#include "injector/kernel/rank.h"

namespace blackstart::clsact {

// What a place holds, as the journal writes it.
inline constexpr const char* kNoQdisc = "no qdisc";    // the interface has no clsact qdisc
inline constexpr const char* kNoFilter = "no filter";  // it has, and no filter of ours at this place
std::string holds(std::uint32_t program_id);           // our filter, with this program

// A place for one filter: interface, direction, priority and a handle of its own, as "3 egress 999 0x1a2b3c4d". The
// priority is ahead of every filter that is there, but behind ours of an earlier rank; where there is no room, it is that of
// the next filter if that is BPF too (the newest of one priority is asked first), else the first free one. Throws Unfit if the
// interface has an `ingress` qdisc and `direction` is egress, and as stays_ahead() does.
std::string free_place(int ifindex, Direction direction, Rank rank);

int interface_of(const std::string& place);

// What is there now; nullopt: the interface is gone.
std::optional<std::string> at(const std::string& place);

// Makes `place` hold that. The qdisc is added when the first filter needs it; kNoQdisc removes it, unless anybody's filter is
// on it. False, with errno set, if it cannot be.
bool put(const std::string& place, const std::string& what);

}  // namespace blackstart::clsact
