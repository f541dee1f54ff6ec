/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The health fault as its program reads it (.rodata): compiled by kernel and user space. */
#ifndef BLACKSTART_HEALTH_BPF_H
#define BLACKSTART_HEALTH_BPF_H

#include <linux/types.h>

#define HEALTH_TEXT_MAX 256 /* bytes of a path or of a User-Agent pattern */
#define HEALTH_FROM_MAX 64

#define HEALTH_SHOWN_MAX 12

enum health_result { HEALTH_STATUS, HEALTH_TIMEOUT, HEALTH_RESET, HEALTH_PASS, HEALTH_SLOW };
enum health_protocol {
    HEALTH_HTTP,
    HEALTH_TCP,
    HEALTH_REDIS,
    HEALTH_HTTP2,
    HEALTH_GRPC,
    HEALTH_POSTGRESQL,
    HEALTH_MYSQL,
    HEALTH_TLS,
    HEALTH_AGENT
};

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
    __u32 shown_mask;             /* bit n: byte n of the answer becomes shown[n]; the others stay */
    __u8 shown[HEALTH_SHOWN_MAX]; /* what an answer says: three digits of a status, or how its message begins */
    __u64 delay_ns;               /* of HEALTH_SLOW */
    struct health_text path;
    struct health_text agent;  /* the value of User-Agent */
    struct health_text method; /* with the blank behind it */
    struct health_text host;   /* the value of Host, in lower case, without the port; of TLS: the server name, a prefix being a suffix */
    struct health_peer from[HEALTH_FROM_MAX];
    __u8 ports[65536 / 8]; /* one bit a port: bit (port & 7) of byte port / 8 */
};

/* The header fields that tell a check in HTTP/2. */
enum { HPACK_PATH, HPACK_AGENT, HPACK_FIELDS, HPACK_OTHER = HPACK_FIELDS };

/* A string of HPACK as it goes over the wire (RFC 7541 §5.2), without its length. */
struct hpack_text {
    __u32 size;      /* 0: no string is this one */
    __u32 last_mask; /* which bits of the last octet count: the beginning of a Huffman code may end within one */
    __u8 octets[HEALTH_TEXT_MAX];
};

struct hpack_texts {
    struct hpack_text name, whole, beginning; /* of the value: all of it, or what it begins with */
};

struct hpack_config {
    __u32 wanted;                               /* bits of the fields that a check must have */
    __u32 static_path;                          /* bit n: entry n of the static table is a path that is asked for */
    struct hpack_texts fields[HPACK_FIELDS][2]; /* plain, and in Huffman code */
    __u8 now;                                   /* what the octet that says how it went becomes */
    __u8 pad[3];
};

#endif
