// A BPF program on one direction of one interface, for as long as the Attachment lives.
#pragma once

#include "injector/kernel/unique_fd.h"

namespace blackstart {

enum class Direction { ingress, egress };

class Attachment {
public:
    // Attaches through tcx, ahead of every program that is there (BPF_F_BEFORE, linux/bpf.h). The link is owned by its
    // descriptor: the kernel detaches it when the process dies. `ifindex` is looked up in `netns_fd` (negative: the
    // caller's own). The program is not owned. Throws Unfit.
    Attachment(int program_fd, int netns_fd, int ifindex, Direction direction);

private:
    unique_fd link_;
};

// The errno of an attachment through tcx in the caller's own namespace, at once undone if it succeeds (0).
int tcx_error(int program_fd, int ifindex);

}  // namespace blackstart
