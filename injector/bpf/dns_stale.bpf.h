/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Answers that pass by are remembered by name and type, the first of each, so that they can be given again after the authority
   has moved on. The program watches from the baseline on; records keep the TTL that they were seen with. */
#pragma once

#include "injector/bpf/dns_answer.bpf.h"

#define SEEN_STEPS 512 /* labels and records that are looked at in one answer */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1); /* set by the injection */
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct dns_asked);
    __type(value, struct dns_seen);
} answers SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct dns_seen);
} drafts SEC(".maps");

static __always_inline struct dns_asked asked(const struct scratch* s, const struct query* q) {
    struct dns_asked key = {.hash = s->prefixes[q->labels & DNS_LABELS_MAX]};
    key.type = half_at(s->packet + AT(q->tail - QUESTION));
    key.length = (__u16)q->length;
    return key;
}

static __always_inline const struct dns_seen* seen_answer(const struct scratch* s, const struct query* q) {
    const struct dns_asked key = asked(s, q);
    return bpf_map_lookup_elem(&answers, &key);
}

struct walk {
    const struct scratch* s;
    __u32 at, end, left; /* records */
};

/* One more label of an owner's name, or, behind its last, the rest of the record. */
static long step(__u32 i, void* context) {
    struct walk* w = context;
    if (w->at + 11 > w->end) return 1;
    const __u8* label = w->s->packet + AT(w->at);
    const __u32 size = label[0];
    if (size && size < 64) {
        w->at += 1 + size;
        return 0;
    }
    if (size && size < 192) return 1;
    w->at += (size ? 2 : 1);
    const __u8* rest = w->s->packet + AT(w->at); /* type, class, TTL, length */
    w->at += 10 + bpf_ntohs(half_at(rest + 8));
    if (w->at > w->end) return 1;
    return --w->left == 0;
}

/* Where the answer and authority sections end: the additional one is not ours to repeat. 0 if they do not. */
static __always_inline __u32 sections_end(const struct scratch* s, const struct query* q, __u32 records) {
    struct walk w = {.s = s, .at = q->tail, .end = q->end, .left = records};
    if (records) bpf_loop(SEEN_STEPS, step, &w, 0);
    return w.left ? 0 : w.at;
}

/* The message at q->message, a response: remembers it if it answers a question that is asked for. */
static __always_inline void remember(struct __sk_buff* skb, struct scratch* s) {
    struct query* q = &s->query;
    const __u32 zero = 0;
    const __u8* header = s->packet + AT(q->message);
    if ((header[2] & 0xfa) != 0x80 || half_at(header + 4) != bpf_htons(1)) return; /* QR, QUERY, not truncated; AA and RD as they are */
    const __u8 rcode = header[3] & 15;
    if ((rcode != 0 && rcode != NXDOMAIN) || read_question(s) != WANTED) return;
    struct dns_seen* draft = bpf_map_lookup_elem(&drafts, &zero);
    if (!draft) return;
    draft->answers = half_at(header + 6);
    draft->authorities = half_at(header + 8);
    draft->flags[0] = header[2] & 0x04; /* AA */
    draft->flags[1] = header[3] & 0x8f; /* RA, rcode */
    const __u32 end = sections_end(s, q, bpf_ntohs(draft->answers) + bpf_ntohs(draft->authorities));
    if (end < q->tail || end - q->tail > DNS_SEEN_SIZE) return;
    draft->size = (__u16)(end - q->tail);
    draft->sum = 0;
    if (draft->size) {
        if (bpf_skb_load_bytes(skb, q->tail, draft->body, (draft->size - 1 & 1023) + 1) < 0) return;
        draft->sum = fold(sum_of(s->packet + AT(q->tail), draft->size));
    }
    const struct dns_asked key = asked(s, q);
    bpf_map_update_elem(&answers, &key, draft, BPF_NOEXIST);
}
