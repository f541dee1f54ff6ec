// Links at tcx hooks, in an order that lets every program see what it looks at.
#pragma once

#include "injector/kernel/direction.h"
#include "injector/kernel/rank.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {

// Attaches a program in the calling thread's namespace: behind every program of ours with a rank ahead of its own, and ahead of
// everything else. Empty, with errno set, on failure. Throws Unfit for a second Rank::scoped_helper at the same hook.
unique_fd tcx_link(int program_fd, int ifindex, Direction direction, Rank rank);

}  // namespace blackstart
