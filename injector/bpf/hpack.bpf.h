/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Header blocks of HTTP/2 (HPACK, RFC 7541), octet by octet, wherever segments and frames are cut: whether a request has the fields
   that are asked for, said in full or as entries of the dynamic table.

   An index counts back from the newest entry (§2.3.3), so what has been evicted need not be known: for each of the last
   HPACK_ENTRIES insertions two bits are kept, that its name is the field's and that its value is the one asked for. */
#pragma once

#include <linux/types.h>

#include "injector/bpf/health.h"

const volatile struct hpack_config hpack = {};

#define HPACK_STATIC 61 /* entries of the static table (appendix A) */
#define HPACK_ENTRIES 128

enum hpack_mode { AT_FIELD, IN_INDEX, AT_LENGTH, IN_LENGTH, IN_TEXT };
enum hpack_form { INDEXED, INSERTED, PLAIN, RESIZED };
enum { WHOLE = 1, BEGINNING = 2 }; /* what a value may still turn out to be */

struct hpack_entries {
    __u64 newest, older; /* bit 0 of `newest` is the newest entry */
};

struct hpack_block {
    __u32 mode, form;
    __u32 field;   /* that this is the value of */
    __u32 in_name; /* the text is a name */
    __u32 huffman;
    __u32 number, shift; /* the integer that is read; in a text: the octets to come */
    __u32 position;      /* in the text */
    __u32 alive;         /* what it may still turn out to be: bits of fields (name), WHOLE | BEGINNING (value) */
    __u32 got;           /* fields of this block that are as asked */
    struct hpack_entries names[HPACK_FIELDS], values[HPACK_FIELDS];
};

enum { HPACK_NAME, HPACK_WHOLE, HPACK_BEGINNING };

/* The bound is set where it is used: the verifier of Linux 6.1 forgets the one of a value that was put aside. */
static __always_inline const volatile struct hpack_text* hpack_text_of(__u32 field, __u32 huffman, int which) {
    __u64 n = (__u64)field * 2 + huffman;
    asm volatile("%0 &= 3" : "+r"(n));
    const volatile struct hpack_texts* texts = &hpack.fields[0][0] + n;
    return which == HPACK_NAME ? &texts->name : which == HPACK_WHOLE ? &texts->whole : &texts->beginning;
}

static __always_inline int hpack_bit(const struct hpack_entries* entries, __u32 n) {
    return (n < 64 ? entries->newest >> n : entries->older >> (n - 64)) & 1;
}

static __always_inline void hpack_push(struct hpack_entries* entries, __u64 bit) {
    entries->older = entries->older << 1 | entries->newest >> 63;
    entries->newest = entries->newest << 1 | bit;
}

static __always_inline void hpack_insert(struct hpack_block* b, int matches) {
    for (__u32 f = 0; f < HPACK_FIELDS; f++) {
        hpack_push(&b->names[f], b->field == f);
        hpack_push(&b->values[f], b->field == f && matches);
    }
}

/* The field that an entry's name is; HPACK_OTHER for all others. */
static __always_inline __u32 hpack_name(const struct hpack_block* b, __u32 index) {
    if (index == 4 || index == 5) return HPACK_PATH;
    if (index == 58) return HPACK_AGENT;
    if (index <= HPACK_STATIC) return HPACK_OTHER;
    __u32 n = index - HPACK_STATIC - 1;
    for (__u32 f = 0; f < HPACK_FIELDS; f++)
        if (n < HPACK_ENTRIES && hpack_bit(&b->names[f], n)) return f;
    return HPACK_OTHER;
}

/* An indexed field; 0 if it is too old an entry to be known. */
static __always_inline int hpack_indexed(struct hpack_block* b, __u32 index) {
    if (index <= HPACK_STATIC) {
        if ((index == 4 || index == 5) && hpack.static_path >> index & 1) b->got |= 1 << HPACK_PATH;
        return 1;
    }
    __u32 n = index - HPACK_STATIC - 1;
    if (n >= HPACK_ENTRIES) return 0;
    for (__u32 f = 0; f < HPACK_FIELDS; f++)
        if (hpack_bit(&b->values[f], n)) b->got |= 1 << f;
    return 1;
}

static __always_inline int hpack_index_read(struct hpack_block* b) {
    __u32 index = b->number;
    b->mode = AT_FIELD;
    if (b->form == RESIZED) return 1;
    if (b->form == INDEXED) return hpack_indexed(b, index);
    b->mode = AT_LENGTH;
    b->in_name = index == 0;
    b->field = hpack_name(b, index);
    return 1;
}

static __always_inline void hpack_text_read(struct hpack_block* b) {
    __u32 field = b->field;
    b->mode = AT_FIELD;
    if (b->in_name) {
        b->in_name = 0;
        b->mode = AT_LENGTH;
        b->field = HPACK_OTHER;
        for (__u32 f = 0; f < HPACK_FIELDS; f++)
            if (b->alive >> f & 1 && hpack_text_of(f, b->huffman, HPACK_NAME)->size == b->position) b->field = f;
        return;
    }
    int matches = 0;
    if (field < HPACK_FIELDS) {
        __u32 whole = hpack_text_of(field, b->huffman, HPACK_WHOLE)->size,
              beginning = hpack_text_of(field, b->huffman, HPACK_BEGINNING)->size;
        matches = (whole && b->alive & WHOLE && b->position == whole) || (beginning && b->alive & BEGINNING && b->position >= beginning);
        if (matches) b->got |= 1 << field;
    }
    if (b->form == INSERTED) hpack_insert(b, matches);
}

static __always_inline void hpack_length_read(struct hpack_block* b) {
    b->position = 0;
    b->mode = IN_TEXT;
    if (b->in_name)
        b->alive = (1 << HPACK_FIELDS) - 1;
    else
        b->alive = b->field < HPACK_FIELDS ? WHOLE | BEGINNING : 0;
    if (b->number == 0) hpack_text_read(b);
}

static __always_inline int hpack_differs(const volatile struct hpack_text* text, __u32 position, __u8 octet) {
    __u8 mask = position + 1 == text->size ? (__u8)text->last_mask : 0xff;
    __u64 n = position;
    asm volatile("%0 &= %1" : "+r"(n) : "i"(HEALTH_TEXT_MAX - 1));
    return position >= text->size || (octet & mask) != text->octets[n];
}

static __always_inline void hpack_compare(struct hpack_block* b, __u8 octet) {
    __u32 field = b->field, position = b->position;
    if (b->in_name) {
        for (__u32 f = 0; f < HPACK_FIELDS; f++)
            if (hpack_differs(hpack_text_of(f, b->huffman, HPACK_NAME), position, octet)) b->alive &= ~(1U << f);
        return;
    }
    if (field >= HPACK_FIELDS) return;
    if (hpack_differs(hpack_text_of(field, b->huffman, HPACK_WHOLE), position, octet)) b->alive &= ~WHOLE;
    const volatile struct hpack_text* beginning = hpack_text_of(field, b->huffman, HPACK_BEGINNING);
    if ((beginning->size == 0 || position < beginning->size) && hpack_differs(beginning, position, octet)) b->alive &= ~BEGINNING;
}

static __always_inline int hpack_field_begins(struct hpack_block* b, __u8 octet) {
    __u8 most = octet & 0x80 ? 0x7f : octet & 0x40 ? 0x3f : octet & 0x20 ? 0x1f : 0x0f; /* RFC 7541 §6 */
    b->form = octet & 0x80 ? INDEXED : octet & 0x40 ? INSERTED : octet & 0x20 ? RESIZED : PLAIN;
    b->number = octet & most;
    b->shift = 0;
    b->mode = IN_INDEX;
    return b->number < most ? hpack_index_read(b) : 1;
}

/* One more octet of an integer (§5.1); 0 if it cannot be one of ours. */
static __always_inline int hpack_number_goes_on(struct hpack_block* b, __u8 octet) {
    if (b->shift > 21) return 0;
    b->number += (__u32)(octet & 0x7f) << b->shift;
    b->shift += 7;
    return 1;
}

/* Takes one octet of a block; 0 if the block cannot be followed any more. A global function is verified once, by itself. */
__attribute__((noinline)) int hpack_take(struct hpack_block* b, __u8 octet) {
    if (!b) return 0;
    if (b->mode == AT_FIELD) return hpack_field_begins(b, octet);
    if (b->mode == IN_INDEX) {
        if (!hpack_number_goes_on(b, octet)) return 0;
        return octet & 0x80 ? 1 : hpack_index_read(b);
    }
    if (b->mode == IN_TEXT) {
        hpack_compare(b, octet);
        b->position++;
        if (--b->number == 0) hpack_text_read(b);
        return 1;
    }
    if (b->mode == AT_LENGTH) {
        b->huffman = octet >> 7;
        b->number = octet & 0x7f;
        b->shift = 0;
        b->mode = IN_LENGTH;
        if (b->number < 0x7f) hpack_length_read(b);
        return 1;
    }
    if (!hpack_number_goes_on(b, octet)) return 0;
    if (!(octet & 0x80)) hpack_length_read(b);
    return 1;
}

/* Octets that may be left out before the next one is taken: of a text that nothing is asked of. Keeps the last. */
static __always_inline __u32 hpack_idle(const struct hpack_block* b) { return b->mode == IN_TEXT && b->alive == 0 ? b->number - 1 : 0; }
