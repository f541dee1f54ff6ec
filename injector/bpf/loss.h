/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* How packets are chosen to be lost or sent twice: compiled by those programs and by the injector. Fixed when loaded.

   Of `every` packets the last; or by chance, with terms.probability; or in bursts (Gilbert 1960, Elliott 1963): a chain of
   two states takes a step at each trial, and loses nothing in the good one. Chances are times 2^32. */
#ifndef BLACKSTART_LOSS_H
#define BLACKSTART_LOSS_H

#include <linux/types.h>

struct loss {
    __u32 every;       /* 0: by chance */
    __u32 per_segment; /* a GSO packet counts for as many trials as it has segments, 64 at most, and is hit if one of them is */
    __u64 enter;       /* the chance of a step from good to bad; 0: no bursts */
    __u64 leave;       /* from bad to good */
    __u64 in_burst;    /* of being lost in the bad state */
};

#endif
