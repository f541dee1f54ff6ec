/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Host names among the peers of a network fault: compiled by its program and by the injector.

   The program reads DNS answers over UDP as they arrive, and where the question is for one of the names, the addresses in the
   answer are peers from then on, whatever the chain of CNAMEs. What is keyed by name is keyed by its hash: dns.h, seed 0. */
#ifndef BLACKSTART_OBSERVE_H
#define BLACKSTART_OBSERVE_H

#include "injector/bpf/dns.h"

#define OBSERVED_NAMES 128   /* of both lists: kMostHostNames of each */
#define OBSERVED_PEERS 16384 /* addresses, in the life of a fault */

/* Of which list a name or an address is. */
#define LIST_TO 1
#define LIST_FROM 2

struct peer {
    __u64 address[2]; /* as in struct cidr */
};

#endif
