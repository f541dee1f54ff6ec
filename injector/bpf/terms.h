/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What every fault's program and its injection share: compiled by both. All times are CLOCK_MONOTONIC nanoseconds. */
#ifndef BLACKSTART_TERMS_H
#define BLACKSTART_TERMS_H

#include <linux/types.h>

/* Fixed when the program is loaded (.rodata). */
struct terms {
    __u64 seed;
    __u64 probability; /* the share of matching units that are hit, times 2^32: 1ULL << 32 is all of them */
    __u64 cycle_on_ns; /* a cycle by time: on, off, on … from armed_ns; both 0 without one */
    __u64 cycle_off_ns;
    __u32 cycle_fail; /* a cycle by count: hit `fail` units, pass `pass`; both 0 without one */
    __u32 cycle_pass;
    __u64 cgroup_id;    /* only traffic of sockets in this cgroup or below it; 0: all */
    __u32 cgroup_level; /* its depth below the root, as bpf_skb_ancestor_cgroup_id counts it */
    __u32 pad;
};

/* Lives in .bss, mapped by the injection. */
struct control {
    /* written by user space */
    __u64 armed_ns; /* start of the fault; 0: not armed */
    __u64 ends_ns;  /* absolute end: never renewed */
    __u64 lease_ns; /* end of the lease: renewed a few times a second */
    /* written by the program, atomically */
    __u64 matched;   /* packets or messages that the fault is for */
    __u64 hits;      /* of those, how many it really acted on */
    __u64 unseen;    /* looked like a match but could not be handled safely: passed untouched */
    __u64 lapsed;    /* matches passed because the lease had run out before the end */
    __u64 encrypted; /* connections under TLS: what may match there cannot be read */
};

#endif
