#include "injector/kernel/tracepoint.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cstring>

#include "injector/kernel/features.h"

namespace blackstart {

unique_fd attach_tracepoint(const bpf_program* program, const char* name) {
    unique_fd link(bpf_raw_tracepoint_open(name, bpf_program__fd(program)));
    if (!link) throw_errno(std::string("cannot attach to the tracepoint ") + name, errno);
    return link;
}

unique_fd attach_security_hook(const bpf_program* program) {
    unique_fd link(bpf_link_create(bpf_program__fd(program), 0, BPF_LSM_MAC, nullptr));
    if (!link) throw_errno("cannot attach to a security hook", errno);
    return link;
}

std::optional<MissingTracing> missing_tracing() {
    if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0)
        return MissingTracing{"this kernel does not say how its structs are laid out (no /sys/kernel/btf/vmlinux)",
                              "boot a kernel with CONFIG_DEBUG_INFO_BTF, as distributions build it"};
    const bpf_insn nothing[] = {{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                                {.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};  // r0 = 0; exit
    const unique_fd program(bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "bs_nothing", "GPL", nothing, 2, nullptr));
    if (program) return std::nullopt;
    if (errno == EPERM || errno == EACCES)
        return MissingTracing{"loading BPF programs is not permitted here", "run as root, or with CAP_BPF and CAP_PERFMON"};
    return MissingTracing{std::string("this kernel loads no tracing programs: ") + std::strerror(errno),
                          "boot a kernel with CONFIG_BPF_EVENTS"};
}

}  // namespace blackstart
