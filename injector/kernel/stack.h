// How network faults stack in one namespace (injector/bpf/stack.h): each needs a bit of its
// own, each namespace a tag of its own on this host. Both are file locks: the kernel gives them back when a process dies.
#pragma once

#include <cstdint>

#include "injector/kernel/unique_fd.h"

namespace blackstart {

// The tag of a namespace, held for as long as this lives: faults with a helper get the same one.
class StackTag {
public:
    explicit StackTag(std::uint64_t netns_inode);                // throws Unfit
    [[nodiscard]] std::uint8_t value() const { return value_; }  // 1..255, the same for everyone in this namespace

private:
    unique_fd lock_;
    std::uint8_t value_ = 0;
};

class StackSlot {
public:
    // Takes a bit in the namespace with this inode number. Throws Unfit if eight are taken, or if the locks cannot be made.
    explicit StackSlot(std::uint64_t netns_inode);

    [[nodiscard]] std::uint8_t tag() const { return tag_.value(); }
    [[nodiscard]] std::uint8_t bit() const { return bit_; }  // one bit set

private:
    StackTag tag_;
    unique_fd bit_lock_;
    std::uint8_t bit_ = 0;
};

}  // namespace blackstart
