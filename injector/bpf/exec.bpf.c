/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Checks that are programs: their start fails, and the process that was to be the check dies of SIGKILL. By the security hook of the kernel
   nothing of the program is loaded; by the tracepoint, where the kernel has no BPF LSM, it dies before its first instruction. To be refused
   alone is not enough: keepalived ends a child that cannot exec with 0, which is a check that passed. */
#include "injector/bpf/exec.h"

#include "injector/bpf/terms.bpf.h"

#include <bpf/bpf_core_read.h>

const volatile struct exec_config exec = {};

#define REFUSED (-13) /* EACCES */
#define SIGKILL 9

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
    unsigned int inum;
};
struct net {
    struct ns_common ns;
};
struct nsproxy {
    struct net* net_ns;
};
struct task_struct {
    struct nsproxy* nsproxy;
};
struct linux_binprm {
    const char* filename; /* of a script its own, not the interpreter's */
};
#pragma clang attribute pop

static __always_inline int is_check(struct linux_binprm* program) {
    __u64 path[EXEC_PATH_MAX / 8] = {};
    if (bpf_probe_read_kernel_str(path, sizeof path, BPF_CORE_READ(program, filename)) < 0) return 0;
    for (int i = 0; i < EXEC_PATH_MAX / 8; i++)
        if (path[i] != exec.path[i]) return 0;
    if (terms.cgroup_id && bpf_get_current_ancestor_cgroup_id((int)terms.cgroup_level) != terms.cgroup_id) return 0;
    struct task_struct* task = (struct task_struct*)bpf_get_current_task();
    return exec.netns == 0 || BPF_CORE_READ(task, nsproxy, net_ns, ns.inum) == exec.netns;
}

static __always_inline int fails(struct linux_binprm* program) { return is_check(program) && in_force() && chosen(COUNT(matched)); }

/* Asked once a start: bprm_check_security is asked again for the interpreter of a script (fs/exec.c). */
SEC("lsm/bprm_creds_for_exec") int bs_refuse(__u64* context) {
    int so_far = (int)context[1];
    if (so_far != 0 || !fails((struct linux_binprm*)context[0])) return so_far;
    bpf_send_signal(SIGKILL);
    COUNT(hits);
    return REFUSED;
}

SEC("raw_tp/sched_process_exec") int bs_kill(struct bpf_raw_tracepoint_args* context) {
    if (fails((struct linux_binprm*)context->args[2]) && bpf_send_signal(SIGKILL) == 0) COUNT(hits);
    return 0;
}
