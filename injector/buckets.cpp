#include "injector/buckets.h"

#include <algorithm>
#include <bit>
#include <iterator>

namespace blackstart {
namespace {

// Into the emptier of its two buckets; false if both are full.
bool place(std::vector<dns_bucket>& buckets, std::uint64_t hash, std::uint32_t mask) {
    auto& first = buckets[dns_first_bucket(hash, mask)].slot;
    auto& second = buckets[dns_second_bucket(hash, mask)].slot;
    auto& bucket = std::ranges::count(first, 0U) >= std::ranges::count(second, 0U) ? first : second;
    auto* const room = std::ranges::find(bucket, 0U);
    if (room == std::end(bucket)) return false;
    *room = hash;
    return true;
}

}  // namespace

std::vector<dns_bucket> bucket_table(const std::vector<std::uint64_t>& hashes, std::uint32_t& mask) {
    for (std::size_t size = std::bit_ceil(hashes.size() / (DNS_BUCKET_SLOTS - 2) + 1);; size *= 2) {
        std::vector<dns_bucket> buckets(size);
        mask = static_cast<std::uint32_t>(size - 1);
        if (std::ranges::all_of(hashes, [&](auto hash) { return place(buckets, hash, mask); })) return buckets;
    }
}

}  // namespace blackstart
