// After restoring: is anything of ours still there? Everything is owned by descriptors, so it should all be gone; this is
// how it is checked instead of believed.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

struct bpf_object;

namespace blackstart {

// What one fault has put into the kernel: noted while it is armed, looked for after it was restored.
class Footprint {
public:
    // Every loaded program of an object.
    void add_programs(const bpf_object* object);
    // A helper device in the namespace with that inode number. The namespace is not kept.
    void add_device(std::uint64_t netns_inode, int ifindex, std::string name);
    // A record of the journal, by its path.
    void add_record(std::string path);

    // What is still there, as sentences for people; empty: nothing. The kernel frees programs a few milliseconds after the
    // last descriptor: waits up to `patience` for that, and not at all once nothing is left.
    [[nodiscard]] std::vector<std::string> left(std::chrono::milliseconds patience = std::chrono::seconds(1)) const;

private:
    [[nodiscard]] std::vector<std::string> look() const;

    std::set<std::uint32_t> programs_;
    std::set<std::tuple<std::uint64_t, int, std::string>> devices_;
    std::set<std::string> records_;
};

// Who is alive, as the registry says.
struct Living {
    std::set<int> pids;
    std::set<std::uint64_t> netns_inodes;  // where they have faults
};

// What is on this host of ours without a living owner, as sentences: programs with the names of ours, helper devices in visible
// namespaces, journal records. What a process with a registry of its own (in a container, a test) holds is not ours.
// Waits as Footprint::left does. Without root little can be seen, and nothing is said of it.
std::vector<std::string> ownerless(const Living& living, std::chrono::milliseconds patience);

}  // namespace blackstart
