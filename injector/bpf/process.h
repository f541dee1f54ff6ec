/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Which starts of programs the crash-loop is for (.rodata and .bss): compiled by kernel and user space. */
#ifndef BLACKSTART_PROCESS_BPF_H
#define BLACKSTART_PROCESS_BPF_H

#include <linux/types.h>

#define PROCESS_NAME_MAX 128 /* bytes of a file's or a cgroup's name, its final zero included */
#define PROCESS_CGROUPS 3
#define PROCESS_DEPTH 16 /* levels of cgroups that are climbed */

struct process_name {
    __u64 words[PROCESS_NAME_MAX / 8]; /* the bytes in their order, then zeros */
};

/* A cgroup by its name and its parent: a unit's own is made anew, with another id, each time the unit starts. */
struct process_cgroup {
    __u64 parent; /* id */
    __u32 level;  /* its own depth below the root, at least 1 */
    __u32 pad;
    struct process_name name;
};

struct process_config {
    __u32 netns; /* inode number; 0: any */
    __u32 cgroups;
    __u32 by_exe;
    __u32 pad;
    struct process_name exe; /* the last component of its path */
    struct process_cgroup cgroup[PROCESS_CGROUPS];
};

/* The executable file itself, in .bss: an update replaces it. */
struct process_file {
    __u64 inode;
    __u64 device; /* as the kernel keeps it, major << 20 | minor; 0: any, on file systems that show another one than they have */
};

#endif
