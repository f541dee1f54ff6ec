#include "injector/kernel/delay_line.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "injector/bpf/helper.h"
#include "injector/kernel/error.h"
#include "injector/kernel/lease.h"
#include "injector/kernel/quiet_thread.h"

namespace blackstart {
namespace {

// A sleep ends late by tens of microseconds, so it ends early and the rest is spent reading the clock.
constexpr std::uint64_t kSpin = 150'000;

// Where things are in a frame of the device: a virtio-net header, Ethernet, the tag of injector/bpf/helper.h, IP.
constexpr std::size_t kTagAt = 10 + 12, kTypeAt = kTagAt + 4, kIpAt = kTypeAt + 2;

unsigned byte_at(std::span<const std::byte> packet, std::size_t at) { return std::to_integer<unsigned>(packet[at]); }

bool is_inward(std::span<const std::byte> packet) {
    return packet.size() > kIpAt && (byte_at(packet, kTagAt + 2) << 8 & HELPER_INWARD) != 0;
}

// The payload of IP, as far as it is there.
std::span<std::byte> behind_ip(std::span<std::byte> packet) {
    if (packet.size() <= kIpAt) return {};
    const bool v4 = byte_at(packet, kTypeAt) == 0x08;
    const std::size_t at = kIpAt + (v4 ? (byte_at(packet, kIpAt) & 15U) * 4 : 40);
    return at < packet.size() ? packet.subspan(at) : std::span<std::byte>{};
}

}  // namespace

std::span<std::byte> HeldPackets::room() {
    const bool fits = !chunks_.empty() && chunks_[current_].used + kLargest <= kChunk;
    if (!fits) {
        if (!free_.empty()) {
            current_ = free_.back();
            free_.pop_back();
        } else if (chunks_.size() < kCapacity / kChunk) {
            current_ = static_cast<std::uint32_t>(chunks_.size());
            chunks_.push_back({std::make_unique_for_overwrite<std::byte[]>(kChunk), 0, 0});
        } else {
            return {};
        }
    }
    return {chunks_[current_].bytes.get() + chunks_[current_].used, kLargest};
}

void HeldPackets::keep(std::size_t length, std::uint64_t due_ns, std::uint64_t came_ns) {
    auto& chunk = chunks_[current_];
    heap_.push_back({due_ns, kept_++, came_ns, current_, static_cast<std::uint32_t>(chunk.used), static_cast<std::uint32_t>(length)});
    std::ranges::push_heap(heap_, later);
    chunk.used += (length + 63) & ~std::size_t{63};
    chunk.packets++;
}

std::span<const std::byte> HeldPackets::first() const {
    const auto& packet = heap_.front();
    return {chunks_[packet.chunk].bytes.get() + packet.offset, packet.length};
}

void HeldPackets::release_first() {
    const auto index = heap_.front().chunk;
    std::ranges::pop_heap(heap_, later);
    heap_.pop_back();
    auto& chunk = chunks_[index];
    if (--chunk.packets > 0) return;
    chunk.used = 0;
    if (index != current_) free_.push_back(index);
}

DelayLine::DelayLine(int device, const Plan& plan)
    : device_(device),
      plan_(plan),
      wake_(::eventfd(0, EFD_CLOEXEC)),
      draws_(plan.delay, plan.jitter, plan.spread, plan.seed),
      bits_(plan.seed),
      beat_ns_(monotonic_ns()) {
    if (!wake_) throw_errno("cannot make an eventfd", errno);
    thread_ = quiet_thread([this] { work(); });
}

DelayLine::~DelayLine() {
    ending_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
    thread_.join();
}

bool DelayLine::fresh() const {
    return monotonic_ns() - beat_ns_.load(std::memory_order_acquire) < static_cast<std::uint64_t>(plan_.lease.count()) / 2;
}

void DelayLine::work() {
    ::prctl(PR_SET_NAME, "delay-line");
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    ::setpriority(PRIO_PROCESS, 0, -20);  // of this thread; not SCHED_FIFO: its throttling stalls a busy thread for 50 ms
    while (!ending_ && !gone_) {
        const auto now = monotonic_ns();
        beat(now);
        const bool due = !held_.empty() && held_.first_due_ns() <= now;
        if (due) send_first();
        if (!receive() && !due) wait(now);
    }
    while (!gone_ && receive()) continue;
    while (!gone_ && !held_.empty()) send_first();
}

void DelayLine::beat(std::uint64_t now) {
    const auto before = beat_ns_.exchange(now, std::memory_order_acq_rel);
    if (now - before > static_cast<std::uint64_t>(plan_.lease.count())) drop_stale(now);
}

// The process was stopped for longer than the lease, so the lease has lapsed and nothing new comes in. How old a packet is
// that waited in the device cannot be known: all of them may be overdue.
void DelayLine::drop_stale(std::uint64_t now) {
    while (!held_.empty() && held_.first_due_ns() + static_cast<std::uint64_t>(plan_.lease.count()) < now) {
        held_.release_first();
        drop();
    }
    std::array<std::byte, HeldPackets::kLargest> scrap;
    while (::read(device_, scrap.data(), scrap.size()) > 0) drop();
}

bool DelayLine::receive() {
    std::array<std::byte, HeldPackets::kLargest> scrap;
    const auto room = held_.room();
    const auto read = room.empty() ? ::read(device_, scrap.data(), scrap.size()) : ::read(device_, room.data(), room.size());
    if (read < 0) {
        gone_ = errno != EAGAIN && errno != EINTR && errno != EIO;
        return false;
    }
    if (room.empty() || static_cast<std::size_t>(read) > room.size())
        drop();
    else
        take_in(room.first(static_cast<std::size_t>(read)));
    holding_.store(held_.size(), std::memory_order_relaxed);
    return true;
}

void DelayLine::take_in(std::span<std::byte> packet) {
    const auto now = monotonic_ns();  // after it was read: never less than the delay
    const auto due = this->due(packet, now);
    if (!due) return drop();
    if (plan_.corrupt) damage(packet);
    held_.keep(packet.size(), *due, now);
}

std::optional<std::uint64_t> DelayLine::due(std::span<const std::byte> packet, std::uint64_t now) {
    if (plan_.rate == 0) return now + draws_.next();
    auto& taken = rate_clock_ns_[is_inward(packet) ? 1 : 0];
    const auto begin = std::max(now, taken);
    if (begin - now > static_cast<std::uint64_t>(plan_.queue.count())) return std::nullopt;
    const auto bits = static_cast<double>(packet.size() - std::min<std::size_t>(packet.size(), kIpAt - 14)) * 8;
    taken = begin + static_cast<std::uint64_t>(bits * 1e9 / static_cast<double>(plan_.rate));
    return taken;
}

void DelayLine::damage(std::span<std::byte> packet) {
    const auto payload = behind_ip(packet);
    if (payload.empty()) return;
    const auto bit = bits_() % (payload.size() * 8);
    payload[bit / 8] ^= std::byte{1} << bit % 8;
}

void DelayLine::send_first() {
    const auto packet = held_.first();
    holding_.store(held_.size() - 1, std::memory_order_relaxed);
    if (::write(device_, packet.data(), packet.size()) < 0) {
        if (errno == EBADFD) gone_ = true;
        drop();
    }
    applied_.add(monotonic_ns() - held_.first_came_ns());
    held_.release_first();
}

void DelayLine::wait(std::uint64_t now) {
    std::uint64_t longest = std::min<std::uint64_t>(100'000'000, static_cast<std::uint64_t>(plan_.lease.count()) / 8);
    if (!held_.empty()) {
        const auto left = held_.first_due_ns() - std::min(now, held_.first_due_ns());
        if (left <= kSpin) return;
        longest = std::min(longest, left - kSpin);
    }
    std::array<pollfd, 2> ready{pollfd{device_, POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
    const timespec timeout{static_cast<time_t>(longest / 1'000'000'000), static_cast<long>(longest % 1'000'000'000)};
    ::ppoll(ready.data(), ready.size(), &timeout, nullptr);
}

}  // namespace blackstart
