// A network namespace of its own for a test, and the programs of the faults that the test armed there.
#pragma once

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <net/if.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "injector/injection.h"
#include "injector/kernel/netns.h"
#include "tests/bpf/packet.h"

namespace blackstart {

constexpr int kNext = -1, kShot = 2, kRedirect = 7;  // TC_ACT_UNSPEC, TC_ACT_SHOT, TC_ACT_REDIRECT

// The calling thread is inside for as long as the Room lives. It has `lo` and one end of a veth pair, "wire", up.
class Room {
public:
    static constexpr const char* mac = "02:00:00:00:00:02";

    Room() : netns_(make_netns()), inside_(netns_.get()) {
        run("ip link add wire address " + std::string(mac) + " type veth peer name far && ip link set wire up && ip link set far up");
    }
    static void run(const std::string& command) { EXPECT_EQ(std::system(command.c_str()), 0) << command; }

    // A target of one interface of this namespace.
    [[nodiscard]] Target target(const std::string& name) const {
        Target out;
        out.netns = open_netns("");
        out.netns_inode = netns_id(out.netns.get());
        for (const auto& interface : interfaces(netns_.get()))
            if (interface.name == name) out.interfaces = {interface};
        return out;
    }

private:
    unique_fd netns_;
    InNetns inside_;
};

struct Outcome {
    int verdict = 0;
    packet::Bytes frame;
};

// The descriptor of a program that this process has loaded ("egress_l2"…): the youngest, if there are several. Not owned.
inline int loaded_program(const std::string& name) {
    int found = -1;
    unsigned youngest = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone) != "anon_inode:bpf-prog") continue;
        const int fd = std::stoi(entry.path().filename());
        bpf_prog_info info{};
        __u32 size = sizeof info;
        if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0 || info.name != name || info.id < youngest) continue;
        found = fd;
        youngest = info.id;
    }
    return found;
}

// Runs a program on a frame as if it passed `interface`; with `repeat`, `ns` gets the time of one run.
inline Outcome pass(const std::string& program, const packet::Bytes& frame, const std::string& interface = "wire", int repeat = 1,
                    unsigned* ns = nullptr, unsigned gso_size = 0) {
    Outcome out;
    out.frame.resize(4096);
    __sk_buff context{};
    context.ifindex = if_nametoindex(interface.c_str());
    context.gso_size = gso_size;
    context.gso_segs = gso_size != 0 ? 2 : 0;
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.data_out = out.frame.data();
    options.data_size_out = static_cast<__u32>(out.frame.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = repeat;
    const int error = bpf_prog_test_run_opts(loaded_program(program), &options);
    EXPECT_EQ(error, 0) << program << ": no such program, or BPF_PROG_TEST_RUN refused";
    out.frame.resize(options.data_size_out);
    out.verdict = static_cast<int>(options.retval);
    if (ns != nullptr) *ns = options.duration;
    return out;
}

}  // namespace blackstart
