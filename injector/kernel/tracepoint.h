// A skeleton with one program for a raw tracepoint, in force from attach() until it goes.
#pragma once

#include <cerrno>
#include <optional>
#include <string>

#include "injector/kernel/error.h"
#include "injector/kernel/remains.h"
#include "injector/kernel/unique_fd.h"

struct bpf_program;

namespace blackstart {

// Attaches a loaded program to a raw tracepoint by its name; the link lives as long as the descriptor. Throws Unfit.
unique_fd attach_tracepoint(const bpf_program* program, const char* name);

// Attaches a loaded program to the security hook that it names. Throws Unfit.
unique_fd attach_security_hook(const bpf_program* program);

// Why no such program can be loaded and find its way in this kernel's structs, and the fix; nullopt if it can.
struct MissingTracing {
    std::string reason, fix;
};
std::optional<MissingTracing> missing_tracing();

template <class Skeleton> class TracepointProgram {
public:
    // `what` names the fault in errors and must be a literal.
    explicit TracepointProgram(const char* what) : what_(what), skeleton_(Skeleton::open()) {
        if (skeleton_ == nullptr) throw_errno(std::string("cannot open the BPF object of ") + what, errno);
    }
    ~TracepointProgram() {
        link_.reset();
        Skeleton::destroy(skeleton_);
    }
    TracepointProgram(const TracepointProgram&) = delete;
    TracepointProgram& operator=(const TracepointProgram&) = delete;

    // The skeleton: set rodata before load(); bss is there after it.
    Skeleton* operator->() { return skeleton_; }
    const Skeleton* operator->() const { return skeleton_; }

    void load() {
        const int error = Skeleton::load(skeleton_);
        if (error != 0) throw_errno(std::string("the kernel refuses the program of ") + what_, -error);
    }
    void attach(const bpf_program* program, const char* tracepoint) { link_ = attach_tracepoint(program, tracepoint); }
    void attach_hook(const bpf_program* program) { link_ = attach_security_hook(program); }
    void footprint(Footprint& footprint) const { footprint.add_programs(skeleton_->obj); }

private:
    const char* what_;
    Skeleton* skeleton_;
    unique_fd link_;
};

}  // namespace blackstart
