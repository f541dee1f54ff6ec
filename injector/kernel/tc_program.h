// What all packet faults share: a skeleton whose object includes terms.bpf.h and TC_PROGRAMS, loaded once for a target
// and attached to each of its interfaces.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "injector/kernel/attachment.h"
#include "injector/kernel/error.h"
#include "injector/kernel/links.h"
#include "injector/kernel/remains.h"
#include "injector/kernel/tcx.h"

struct bpf_map;
struct bpf_program;

namespace blackstart {

// The descriptor of a loaded program; owned by its object.
int descriptor(const bpf_program* program);
// Before load(): the program is not wanted, and the verifier's time is saved.
void leave_out(bpf_program* program);
// Before load(): how many entries the map holds, at least 1.
void resize(bpf_map* map, std::size_t entries);
// After load(): `key` and `value` are as large as the map says. Throws Unfit.
void put(const bpf_map* map, const void* key, const void* value);
// After load(): `count` of them, one behind the other, in one call. Throws Unfit.
void put_all(const bpf_map* map, const void* keys, const void* values, std::size_t count);
// After load(): the first values of a mappable array, at once. Throws Unfit.
void fill(const bpf_map* map, std::span<const std::byte> values);

template <class Skeleton> class TcProgram {
public:
    // `what` names the fault in errors and must be a literal.
    explicit TcProgram(const char* what) : what_(what), skeleton_(Skeleton::open()) {
        if (skeleton_ == nullptr) throw_errno(std::string("cannot open the BPF object of ") + what, errno);
    }
    ~TcProgram() {
        attachments_.clear();  // links first, then what they lead to
        Skeleton::destroy(skeleton_);
    }
    TcProgram(const TcProgram&) = delete;
    TcProgram& operator=(const TcProgram&) = delete;

    // The skeleton: set rodata before load(); bss and maps are there after it.
    Skeleton* operator->() { return skeleton_; }
    const Skeleton* operator->() const { return skeleton_; }

    // Before load(): only the programs that these interfaces need will be loaded.
    void only_for(const std::vector<Interface>& interfaces) {
        const auto& programs = skeleton_->progs;
        for (auto* l2 : {programs.egress_l2, programs.ingress_l2})
            if (std::ranges::none_of(interfaces, &Interface::ethernet)) leave_out(l2);
        for (auto* l3 : {programs.egress_l3, programs.ingress_l3})
            if (std::ranges::all_of(interfaces, &Interface::ethernet)) leave_out(l3);
    }
    // Before load(): what stands ahead of the programs, and what behind.
    void rank(Rank rank) { rank_ = rank; }
    void load() {
        const int error = Skeleton::load(skeleton_);
        if (error != 0) throw_errno(std::string("the kernel refuses the program of ") + what_, -error);
        const auto& programs = skeleton_->progs;
        for (const auto* program : {programs.egress_l2, programs.ingress_l2, programs.egress_l3, programs.ingress_l3})
            if (descriptor(program) >= 0) mark_rank(descriptor(program), rank_);
    }
    // Attaches egress_l2, ingress_l2, egress_l3 or ingress_l3, by direction and by the kind of interface.
    void attach(int netns_fd, const Interface& interface, Direction direction) {
        const auto& programs = skeleton_->progs;
        const auto* l2 = direction == Direction::egress ? programs.egress_l2 : programs.ingress_l2;
        const auto* l3 = direction == Direction::egress ? programs.egress_l3 : programs.ingress_l3;
        attachments_.emplace_back(descriptor(interface.ethernet ? l2 : l3), netns_fd, interface.index, direction, rank_);
    }
    void footprint(Footprint& footprint) const {
        footprint.add_programs(skeleton_->obj);
        for (const auto& attachment : attachments_) attachment.footprint(footprint);
    }

private:
    const char* what_;
    Rank rank_ = Rank::any;
    Skeleton* skeleton_;
    std::vector<Attachment> attachments_;
};

}  // namespace blackstart
