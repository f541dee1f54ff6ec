/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The health fault as its program reads it (.rodata): compiled by kernel and user space. */
#ifndef BLACKSTART_HEALTH_BPF_H
#define BLACKSTART_HEALTH_BPF_H

#include <linux/types.h>

#define HEALTH_TEXT_MAX 256 /* bytes of a path or of a User-Agent pattern */
#define HEALTH_FROM_MAX 64

#define HEALTH_SHOWN_MAX 8

enum health_result { HEALTH_STATUS, HEALTH_TIMEOUT, HEALTH_RESET, HEALTH_PASS };
enum health_protocol { HEALTH_HTTP, HEALTH_TCP, HEALTH_REDIS };

/* Text that a request must show: all of it, or its beginning. */
struct health_text {
    __u32 length;                     /* 0: any text */
    __u32 prefix;                     /* 1: more may follow */
    __u64 words[HEALTH_TEXT_MAX / 8]; /* the bytes in their order, then zeros */
};

/* A checker's address or network; IPv4 as ::ffff:a.b.c.d. */
struct health_peer {
    __u64 address[2]; /* network byte order, bits outside the mask are 0 */
    __u64 mask[2];
    __u32 version; /* 4 or 6: ::/0 is no IPv4 address */
    __u32 pad;
};

struct health_config {
    __u32 result;     /* enum health_result */
    __u32 protocol;   /* enum health_protocol */
    __u32 from_count; /* 0: any checker */
    __u32 shown_size;
    __u8 shown[HEALTH_SHOWN_MAX]; /* what takes the place of as many bytes: three digits of a status, or a whole Redis reply */
    struct health_text path;
    struct health_text agent;  /* the value of User-Agent */
    struct health_text method; /* with the blank behind it */
    struct health_text host;   /* the value of Host, in lower case, without the port */
    struct health_peer from[HEALTH_FROM_MAX];
    __u8 ports[65536 / 8]; /* one bit a port: bit (port & 7) of byte port / 8 */
};

#endif
