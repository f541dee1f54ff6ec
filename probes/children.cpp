#include "probes/children.h"

#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "injector/kernel/error.h"
#include "probes/sockets.h"
#include "probes/spawner.h"

namespace blackstart {

using spawner::Ask;
using spawner::Reply;
using spawner::Request;
using spawner::Tell;

namespace {

constexpr std::size_t most_alive = 512;
constexpr std::size_t longest_output = 64 * 1024;  // as much as a pipe holds

// Forks into a PID namespace of its own if that is allowed, else plainly.
pid_t fork_apart() {
    const unique_fd home(::open("/proc/thread-self/ns/pid_for_children", O_RDONLY | O_CLOEXEC));
    const bool apart = home && ::unshare(CLONE_NEWPID) == 0;
    const auto pid = ::fork();
    if (pid != 0 && apart && ::setns(home.get(), CLONE_NEWPID) != 0) throw_errno("cannot go back to the PID namespace", errno);
    return pid;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        std::string part(text.substr(0, text.find('\0')));
        text.remove_prefix(std::min(part.size() + 1, text.size()));
        if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(std::move(part));
    }
    return parts;
}

}  // namespace

struct Children::Job {
    Request request;
    std::string text;
    Place place;
    std::function<void(Lookup)> looked_up;
    std::function<void(Exit)> exited;
    bool sent = false;
    std::string failure, output;
    unique_fd pipe, pipe_in;  // of stdout: ours, and the child's until it is sent
    Loop::Source readable;

    // What is there; what is too much is read and dropped, lest the child waits for us.
    void read_output() {
        std::array<char, longest_output> chunk;
        const auto size = ::read(pipe.get(), chunk.data(), chunk.size());
        if (size > 0) output.append(chunk.data(), std::min(static_cast<std::size_t>(size), longest_output - output.size()));
        if (size == 0) readable.reset();
    }
};

Children::Children(Surroundings& around) : loop_(around.loop) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) throw_errno("cannot make a socket pair", errno);
    control_.reset(ends[0]);
    const unique_fd theirs(ends[1]);
    spawner_ = fork_apart();
    if (spawner_ == 0) spawner::serve(theirs.get());
    if (spawner_ < 0) throw_errno("cannot fork", errno);
    source_ = loop_.io(control_.get(), EPOLLIN, [this](std::uint32_t events) {
        if ((events & (EPOLLIN | EPOLLHUP)) != 0) receive();
        if ((events & EPOLLOUT) != 0) pump();
    });
}

Children::~Children() {
    source_.reset();
    ::kill(spawner_, SIGKILL);
    ::waitpid(spawner_, nullptr, 0);
}

std::unique_ptr<Children::Child> Children::look_up(const Place& place, const std::string& name, int family,
                                                   std::function<void(Lookup)> done) {
    Job job;
    job.request.ask = Ask::look_up;
    job.request.family = family;
    job.text = name;
    job.place = place;
    job.looked_up = std::move(done);
    return ask(std::move(job));
}

std::unique_ptr<Children::Child> Children::run(const Place& place, const std::vector<std::string>& argv, std::function<void(Exit)> done) {
    Job job;
    job.request.ask = Ask::run;
    job.request.arguments = static_cast<std::uint32_t>(argv.size());
    for (const auto& argument : argv) job.text.append(argument.c_str(), std::strlen(argument.c_str()) + 1);
    job.place = place;
    job.exited = std::move(done);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
        job.pipe.reset(ends[0]);
        job.pipe_in.reset(ends[1]);
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    } else {
        job.failure = "cannot make a pipe: " + error_text(errno);
    }
    return ask(std::move(job));
}

std::unique_ptr<Children::Child> Children::ask(Job job) {
    const auto id = ++last_id_;
    job.request.id = id;
    auto& kept = *jobs_.emplace(id, std::make_unique<Job>(std::move(job))).first->second;
    if (kept.pipe) kept.readable = loop_.io(kept.pipe.get(), EPOLLIN, [&kept](std::uint32_t) { kept.read_output(); });
    waiting_.push_back(id);
    pump();
    return std::make_unique<Child>(*this, id);
}

void Children::drop(std::uint64_t id) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return;
    if (found->second->sent) kills_.push_back(id);
    jobs_.erase(found);
    pump();
}

// Sends what there is to send, as far as the socket takes it and children may live. Calls nobody back.
void Children::pump() {
    bool full = false;
    while (!full && !kills_.empty()) {
        Request request;
        request.ask = Ask::kill;
        request.id = kills_.front();
        full = !send(request, {}, {});
        if (!full) kills_.pop_front();
    }
    while (!full && !waiting_.empty() && alive_ < most_alive) {
        const auto found = jobs_.find(waiting_.front());
        full = found != jobs_.end() && !send_job(*found->second);
        if (!full) waiting_.pop_front();
    }
    if (full != full_ && source_) source_.want(full ? EPOLLIN | EPOLLOUT : EPOLLIN);
    full_ = full;
}

// False with errno EAGAIN: the socket is full, try again later. True with an errno: it was not sent.
bool Children::send(const spawner::Request& request, std::string_view text, std::span<const int> descriptors) const {
    errno = 0;
    return spawner::send(control_.get(), std::as_bytes(std::span(&request, 1)), text, descriptors, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ||
           errno != EAGAIN;
}

bool Children::send_job(Job& job) {
    std::vector<int> descriptors;
    job.request.has_netns = job.place.netns >= 0;
    job.request.has_mntns = job.place.mntns >= 0;
    job.request.has_output = static_cast<bool>(job.pipe_in);
    for (const int fd : {job.place.netns, job.place.mntns, job.pipe_in.get()})
        if (fd >= 0) descriptors.push_back(fd);
    if (job.failure.empty()) {
        if (!send(job.request, job.text, descriptors)) return false;
        if (errno != 0) job.failure = "cannot start a process: " + error_text(errno);
    }
    job.pipe_in.reset();
    if (job.failure.empty()) {
        job.sent = true;
        ++alive_;
    } else {
        wake_ = loop_.at(Loop::now(), [this] { tell_failures(); });
    }
    return true;
}

// Takes a job off and calls back; the caller's handle may be dropped by that.
void Children::tell_failures() {
    for (auto at = jobs_.begin(); at != jobs_.end();) {
        const auto id = at->first;
        if (!at->second->failure.empty()) finish(id);
        at = jobs_.upper_bound(id);
    }
}

void Children::finish(std::uint64_t id, int code, std::string_view text) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return;
    const auto job = std::move(found->second);
    jobs_.erase(found);
    if (job->exited) {
        if (job->pipe) job->read_output();
        return job->exited({std::move(job->failure), code, std::move(job->output)});
    }
    Lookup lookup;
    lookup.failure = std::move(job->failure);
    if (code != 0) {
        lookup.failure = small_letters(::gai_strerror(code));
        lookup.no_such_name = code == EAI_NONAME || code == EAI_NODATA;
    }
    lookup.addresses = split(text);
    job->looked_up(std::move(lookup));
}

void Children::receive() {
    static std::array<char, spawner::largest_message> buffer;
    for (;;) {
        const auto size = ::recv(control_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return pump();
        if (size < static_cast<ssize_t>(sizeof(Reply))) return lost();
        Reply reply;
        std::memcpy(&reply, buffer.data(), sizeof reply);
        const std::string text(buffer.data() + sizeof reply, static_cast<std::size_t>(size) - sizeof reply);
        handle(reply, text);
    }
}

void Children::handle(const Reply& reply, const std::string& text) {
    const auto found = jobs_.find(reply.id);
    if (reply.tell == Tell::ended) --alive_;
    if (found == jobs_.end()) return;
    auto& job = *found->second;
    if (reply.tell == Tell::failed) job.failure = text + ": " + error_text(reply.code);
    // A lookup has said what it found before it ends.
    if (reply.tell == Tell::ended && job.looked_up) job.failure = "the lookup was killed";
    job.sent = reply.tell != Tell::ended;
    const bool worked = job.failure.empty();
    finish(reply.id, worked ? reply.code : 0, worked ? std::string_view(text) : std::string_view());
}

// Somebody killed the spawner. A new one could inherit a fault: what is asked from now on fails.
void Children::lost() {
    source_.reset();
    alive_ = 0;
    for (const auto& [id, job] : jobs_) job->failure = "the process that starts others is gone";
    wake_ = loop_.at(Loop::now(), [this] { tell_failures(); });
}

}  // namespace blackstart
