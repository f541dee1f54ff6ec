// Who runs first where several of our programs are attached. A packet that comes back from a helper device belongs to no cgroup any
// more, so whoever asks for one has to be ahead of whoever leads packets away.
#pragma once

#include <cstdint>

namespace blackstart {

enum class Rank {
    scoped,         // asks for a cgroup
    scoped_helper,  // asks for a cgroup, and leads packets through a helper: one at each hook
    any,            // the rest, the newest first
};

// Writes on a loaded program which rank it has, for whoever attaches later, in whichever process: a map of that name is bound to it
// and goes with it. Rank::any needs no mark. Throws Unfit.
void mark_rank(int program_fd, Rank rank);

// Of any program, by its id; Rank::any for one that is not ours.
Rank rank_of(std::uint32_t program_id);

// Whether a program of this rank has to stay ahead of `another` that is attached after it. Throws Unfit for a second
// Rank::scoped_helper at the same hook.
bool stays_ahead(Rank rank, Rank another);

}  // namespace blackstart
