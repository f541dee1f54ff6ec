/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Which starts of a program are checks (.rodata): compiled by kernel and user space. */
#ifndef BLACKSTART_EXEC_BPF_H
#define BLACKSTART_EXEC_BPF_H

#include <linux/types.h>

#define EXEC_PATH_MAX 256

struct exec_config {
    __u64 path[EXEC_PATH_MAX / 8]; /* as it is given to execve(2): the bytes in their order, then zeros */
    __u32 netns;                   /* inode number; 0: any */
    __u32 pad;
};

#endif
