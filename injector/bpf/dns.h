/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What the dns fault's program and its injection share. Names are in wire form (RFC 1035 §3.1), lower case, with the final
   zero: "db.test" is 02 'd' 'b' 04 't' 'e' 's' 't' 00. */
#ifndef BLACKSTART_BPF_DNS_H
#define BLACKSTART_BPF_DNS_H

#include <linux/types.h>

#define DNS_NAME_MAX 255   /* octets of a name, the final zero included (RFC 1035 §2.3.4) */
#define DNS_LABEL_MAX 63   /* octets of a label */
#define DNS_LABELS_MAX 127 /* labels of a name, the root not counted */
#define DNS_SUFFIX_DEPTHS_MAX 16
#define DNS_ADDRESSES_MAX 16
#define DNS_A_SIZE 16    /* a record with a compressed owner name: pointer, type, class, ttl, length, address */
#define DNS_AAAA_SIZE 28 /* (RFC 1035 §3.2.1, RFC 3596 §2.2) */

#define DNS_TURNS_MAX 16
#define DNS_NAMES_MAX 100000
#define DNS_SOA_SIZE 34 /* a record whose owner is compressed and whose names are the root (RFC 1035 §3.3.13) */

/* Fixed when the program is loaded. */
struct dns_fault {
    __u64 hash_seed;
    __u64 turn_ns;         /* how long each turn lasts; 0: there is one */
    __u64 exact_depths[2]; /* bit d is set where a name of d labels is wanted for itself: no other is looked up */
    /* The numbers of labels of the suffixes that are wanted for what is under them, the smallest first; and the power
       of DNS_HASH_FACTOR with that exponent. */
    __u64 suffix_powers[DNS_SUFFIX_DEPTHS_MAX];
    __u8 suffix_depths[DNS_SUFFIX_DEPTHS_MAX];
    __u32 bucket_mask; /* buckets of names, a power of two, less one */
    __u16 port;        /* network byte order */
    __u16 opcodes;     /* bit per opcode (RFC 6895 §2.2) */
    __u8 suffixes;     /* how many depths */
    __u8 every_type;
    __u8 every_server;
    __u8 turns;     /* how many of dns_told there are, up to DNS_TURNS_MAX; 0: nothing is told, the query goes on */
    __u8 negative;  /* there is an SOA for answers without records */
    __u8 remembers; /* one of the turns is stale: answers that pass by are remembered */
    __u8 delays;    /* the query goes through a helper device first (helper.h) */
    __u8 pad;
};

/* The answer section for one type, ready to be copied: `count` records of `size` octets each. */
struct dns_records {
    __u32 count;
    __u32 size;
    __u16 sums[32]; /* [n]: what the first n records add to an Internet checksum, in memory order; as long as the mask */
    __u8 bytes[DNS_ADDRESSES_MAX * DNS_AAAA_SIZE];
};

/* The SOA that tells how long a negative answer may be kept (RFC 2308 §3); the first two octets, its owner, are put in later. */
struct dns_soa {
    __u16 sum;
    __u16 pad[3];
    __u8 bytes[40]; /* DNS_SOA_SIZE of them */
};

/* What a query is told in one turn. */
struct dns_told {
    __u8 rcode;
    __u8 truncated; /* TC=1 and no record */
    __u8 silent;    /* nothing, ever */
    __u8 stale;     /* what was seen before */
    __u8 pad[4];
    struct dns_records a, aaaa;
};

/* An answer that was seen, by what was asked: up to DNS_SEEN_MAX of them. */
#define DNS_SEEN_MAX 16384
#define DNS_SEEN_SIZE 960 /* octets of its records, at most: what a query's packet has room for */
struct dns_asked {
    __u64 hash;
    __u16 type;   /* network byte order */
    __u16 length; /* of the name */
    __u32 pad;
};

struct dns_seen {
    __u16 answers, authorities; /* counts of records, network byte order */
    __u16 size;                 /* of both sections */
    __u16 sum;                  /* what they add to an Internet checksum, in memory order */
    __u8 flags[2];              /* AA; RA and rcode */
    __u8 pad[6];
    __u8 body[DNS_SEEN_SIZE + 64]; /* 1024: as long as the mask */
};

/* A wanted name: its hash, whose two lowest bits say whether the name itself is wanted (1) and whether every name below it is
   (2); 0: the slot is free. Names are not kept: a name that is not wanted is taken for one by one chance in 2^62. */
#define DNS_EXACT 1ULL
#define DNS_UNDER 2ULL
#define DNS_MARKS 3ULL

/* A cache line. A name is in one of the two buckets that its hash points to. */
#define DNS_BUCKET_SLOTS 8
struct dns_bucket {
    __u64 slot[DNS_BUCKET_SLOTS];
};

static inline __u32 dns_first_bucket(__u64 hash, __u32 mask) { return (__u32)(hash >> 8) & mask; }
static inline __u32 dns_second_bucket(__u64 hash, __u32 mask) { return (__u32)(hash >> 36) & mask; }

/* A key of the LPM trie of servers. IPv4 as ::ffff:a.b.c.d; the value is 0 for a network that is wider than all of IPv4: one of IPv6,
   to which no IPv4 address belongs. */
struct dns_server {
    __u32 bits;
    __u8 address[16];
};

/* The hash of a name: each label, its length octet in front, is folded in words of eight octets, zero-padded, from the seed
   on; the labels are joined from the first to the last. The hash of the last d labels is then that of the whole name less
   that of the labels before them times DNS_HASH_FACTOR^d: one pass over a name gives the hash of every suffix of it. */
#define DNS_HASH_FACTOR 0x9e3779b97f4a7c15ULL

static inline __u64 dns_fold(__u64 hash, __u64 word) {
    hash = (hash ^ word) * DNS_HASH_FACTOR;
    return hash ^ (hash >> 29);
}

static inline __u64 dns_join(__u64 name, __u64 label) { return name * DNS_HASH_FACTOR + label; }

/* Eight octets at once, A-Z to a-z (RFC 4343 §3.2). A length octet is at most 63 and so stays as it is. */
static inline __u64 dns_lower(__u64 word) {
    const __u64 ones = 0x0101010101010101ULL;
    __u64 low = word & (ones * 0x7f);
    __u64 above_z = low + ones * (0x7f - 'Z');
    __u64 from_a = low + ones * (0x80 - 'A');
    __u64 upper = ~word & (ones * 0x80) & (from_a ^ above_z);
    return word | (upper >> 2);
}

/* The first `count` octets of a word, 1 to 8; the others are zeroed. Little-endian hosts. */
static inline __u64 dns_head(__u64 word, __u32 count) {
    const __u32 shift = 64 - count * 8;
    return word << shift >> shift;
}

#endif
