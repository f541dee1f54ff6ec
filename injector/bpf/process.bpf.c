/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Crash-loop: a program that starts is killed in the exec itself, before its first instruction. */
#include "injector/bpf/process.h"

#include "injector/bpf/terms.bpf.h"

#include <bpf/bpf_core_read.h>

const volatile struct process_config process = {};
struct process_file executable = {};

/* Of the kernel's own, what is read here; libbpf finds where it is in the running kernel (CO-RE). */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct kernfs_node {
    const char* name;
};
struct cgroup_subsys_state {
    struct cgroup_subsys_state* parent;
};
struct cgroup {
    struct cgroup_subsys_state self; /* at its beginning: a css that belongs to no controller is its cgroup */
    int level;
    struct kernfs_node* kn;
};
struct css_set {
    struct cgroup* dfl_cgrp;
};
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
    struct css_set* cgroups;
    struct nsproxy* nsproxy;
};
struct super_block {
    __u32 s_dev;
};
struct inode {
    struct super_block* i_sb;
    unsigned long i_ino;
};
struct qstr {
    const unsigned char* name;
};
struct dentry {
    struct qstr d_name;
};
struct path {
    struct dentry* dentry;
};
struct file {
    struct path f_path;
    struct inode* f_inode;
};
struct linux_binprm {
    struct file* file;
};
#pragma clang attribute pop

static __always_inline int is_named(const void* text, const volatile struct process_name* wanted) {
    __u64 name[PROCESS_NAME_MAX / 8] = {};
    if (bpf_probe_read_kernel_str(name, sizeof name, text) < 0) return 0;
    for (int i = 0; i < PROCESS_NAME_MAX / 8; i++)
        if (name[i] != wanted->words[i]) return 0;
    return 1;
}

static __always_inline int runs_executable(struct linux_binprm* program) {
    if (!process.by_exe) return 1;
    struct file* file = BPF_CORE_READ(program, file);
    if (BPF_CORE_READ(file, f_inode, i_ino) != executable.inode) return 0;
    if (executable.device && BPF_CORE_READ(file, f_inode, i_sb, s_dev) != executable.device) return 0;
    return is_named(BPF_CORE_READ(file, f_path.dentry, d_name.name), &process.exe);
}

static __always_inline int is_in(struct task_struct* task, const volatile struct process_cgroup* wanted) {
    if (bpf_get_current_ancestor_cgroup_id((int)wanted->level - 1) != wanted->parent) return 0;
    struct cgroup* at = BPF_CORE_READ(task, cgroups, dfl_cgrp);
    for (int i = 0; i < PROCESS_DEPTH; i++) {
        if (BPF_CORE_READ(at, level) <= (int)wanted->level) break;
        at = (struct cgroup*)BPF_CORE_READ(at, self.parent);
    }
    return BPF_CORE_READ(at, level) == (int)wanted->level && is_named(BPF_CORE_READ(at, kn, name), &wanted->name);
}

static __always_inline int is_in_all(struct task_struct* task) {
    for (__u32 i = 0; i < PROCESS_CGROUPS; i++)
        if (i < process.cgroups && !is_in(task, &process.cgroup[i])) return 0;
    return 1;
}

/* The way back in, and its journal, whoever starts them. */
static __always_inline int is_spared(void) {
    char name[16] = {};
    bpf_get_current_comm(name, sizeof name);
    __u64 head = *(__u64*)name & 0xffffffffff; /* five bytes */
    const char sshd[8] = "sshd", ssh_session[8] = "sshd-", journal[16] = "systemd-journal";
    if (head == *(__u64*)sshd || head == *(__u64*)ssh_session) return 1;
    return *(__u64*)name == *(__u64*)journal && *(__u64*)(name + 8) == *(__u64*)(journal + 8);
}

SEC("raw_tp/sched_process_exec") int bs_crash_loop(struct bpf_raw_tracepoint_args* context) {
    struct task_struct* task = (struct task_struct*)bpf_get_current_task();
    if (!runs_executable((struct linux_binprm*)context->args[2]) || !is_in_all(task)) return 0;
    if (process.netns && BPF_CORE_READ(task, nsproxy, net_ns, ns.inum) != process.netns) return 0;
    if (is_spared()) {
        COUNT(unseen);
        return 0;
    }
    if (!in_force()) return 0;
    __u64 n = COUNT(matched);
    if (chosen(n) && bpf_send_signal(9) == 0) COUNT(hits);
    return 0;
}
