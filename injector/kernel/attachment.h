// A BPF program on one direction of one interface, for as long as the Attachment lives.
#pragma once

#include <optional>

#include "injector/kernel/direction.h"
#include "injector/kernel/journal.h"
#include "injector/kernel/rank.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {

class Attachment {
public:
    // Attaches ahead of the programs that are there, but behind those of an earlier rank. Through tcx where the kernel has it: the
    // link is owned by its descriptor, and the kernel detaches it when the process dies. Else through clsact, journalled.
    // `ifindex` is looked up in `netns_fd` (negative: the caller's own). The program is not owned. Throws Unfit.
    Attachment(int program_fd, int netns_fd, int ifindex, Direction direction, Rank rank = Rank::any);
    // Its journal record, if it has one.
    void footprint(Footprint& footprint) const { filter_.footprint(footprint); }

private:
    unique_fd link_;
    Journalled filter_;
};

// A program that passes every packet, to try attaching with. Empty, with errno set, if it cannot be loaded.
unique_fd load_nothing();

// Why programs cannot be attached by this process, as an errno; 0 if they can. Tried on an interface that cannot exist (tcx)
// and, if that is not known here, on `lo` of a namespace made for that (clsact).
int attachment_error(int program_fd);

// How they are attached here: "tcx" or "clsact". Asked of the kernel once.
const char* attached_through();

}  // namespace blackstart
