// Inside probes/: children that can be killed, for what would block: getaddrinfo, and the user's commands.
//
// They are forked by a process of their own (the spawner), which is itself forked when the first probe asks for it: before any
// fault is armed. So no child ever inherits a BPF link or a TAP, which would keep a fault alive after us. The spawner is the
// init of a PID namespace, where we may make one: when it goes, and it goes with us, the kernel kills all that is in there,
// whatever it forked. Without that privilege only the children themselves are sure to die with us.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "injector/kernel/unique_fd.h"
#include "probes/runner.h"
#include "probes/spawner.h"

namespace blackstart {

struct Lookup {
    std::string failure;                 // "" if getaddrinfo found something
    bool no_such_name = false;           // it failed because there is nothing to be found: a reply, not a silence
    std::vector<std::string> addresses;  // numeric, in its order, without doubles
};

struct Exit {
    std::string failure;  // "" if the program ran
    int status = 0;       // as waitpid(2) gives it
    std::string output;   // of stdout, the first 64 KiB
};

class Children {
public:
    // Handle of one child: dropping it kills the child and its process group.
    class Child;

    explicit Children(Surroundings& around);
    ~Children();
    Children(const Children&) = delete;
    Children& operator=(const Children&) = delete;

    // getaddrinfo in a fresh process, in the place's namespaces (so with its hosts file and resolv.conf). `family` is AF_UNSPEC,
    // AF_INET or AF_INET6. The callback is called in the loop, once, and may drop the handle.
    // At most 512 children live at once; what is asked beyond that waits for its turn.
    [[nodiscard]] std::unique_ptr<Child> look_up(const Place& place, const std::string& name, int family, std::function<void(Lookup)> done);
    // A program, without a shell, in the place's namespaces and our directory, stdin and stderr from and to nowhere. Its process
    // group is killed when it exits: what it leaves behind in there is not waited for.
    [[nodiscard]] std::unique_ptr<Child> run(const Place& place, const std::vector<std::string>& argv, std::function<void(Exit)> done);

private:
    struct Job;
    std::unique_ptr<Child> ask(Job job);
    void drop(std::uint64_t id);
    void pump();
    bool send(const spawner::Request& request, std::string_view text, std::span<const int> descriptors) const;
    bool send_job(Job& job);
    void receive();
    void handle(const spawner::Reply& reply, const std::string& text);
    void finish(std::uint64_t id, int code = 0, std::string_view text = {});
    void tell_failures();
    void lost();

    Loop& loop_;
    unique_fd control_;
    pid_t spawner_ = -1;
    Loop::Source source_, wake_;
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Job>> jobs_;  // that somebody waits for
    std::deque<std::uint64_t> waiting_, kills_;           // to be sent
    std::size_t alive_ = 0;                               // sent, and not yet ended
    bool full_ = false;                                   // the socket
};

class Children::Child {
public:
    Child(Children& children, std::uint64_t id) : children_(children), id_(id) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { children_.drop(id_); }

private:
    Children& children_;
    std::uint64_t id_;
};

}  // namespace blackstart
