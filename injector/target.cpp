#include "injector/target.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/visible_netns.h"

namespace blackstart {
namespace {

std::string listing(const std::vector<Interface>& all) {
    std::string names;
    for (const auto& interface : all) names += (names.empty() ? "" : ", ") + interface.name;
    return names;
}

std::vector<Interface> chosen(const TargetSpec& spec, const std::vector<Interface>& all) {
    std::vector<Interface> found;
    for (const auto& name : spec.interface) {
        const auto match = std::ranges::find(all, name, &Interface::name);
        if (match == all.end()) throw Unfit("no interface '" + name + "' in the target's namespace", "there are: " + listing(all));
        if (std::ranges::find(found, name, &Interface::name) == found.end()) found.push_back(*match);
    }
    if (!spec.interface.empty()) return found;
    std::ranges::copy_if(all, std::back_inserter(found),
                         [](const Interface& i) { return !i.helper && !i.lower && (i.loopback || (i.up && i.addressed)); });
    return found;
}

// A unit's cgroup: its name anywhere below the mount, as system.slice/web.service, or a path.
std::filesystem::path find_cgroup(const std::filesystem::path& mount, const std::string& spec) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    fs::path as_path(spec);
    if (as_path.is_absolute() && spec.starts_with(mount.string()) && fs::is_directory(as_path, ignored)) return as_path;
    if (fs::is_directory(mount / as_path.relative_path(), ignored)) return mount / as_path.relative_path();
    if (spec.find('/') != std::string::npos) return {};
    for (fs::recursive_directory_iterator at(mount, fs::directory_options::skip_permission_denied, ignored), end; at != end;
         at.increment(ignored))
        if (at->is_directory(ignored) && (at->path().filename() == spec || at->path().filename() == spec + ".service")) return at->path();
    return {};
}

}  // namespace

bool share_cgroup(const std::string& one, const std::string& other) {
    const auto holds = [](const std::string& outer, const std::string& inner) {
        return outer.empty() || inner == outer || inner.starts_with(outer + "/");
    };
    return holds(one, other) || holds(other, one);
}

Cgroup resolve_cgroup(const std::string& spec) {
    if (spec.empty()) return {};
    const std::filesystem::path mount = cgroup2_mount();
    if (mount.empty()) throw Unfit("cgroup '" + spec + "': cgroup v2 is not mounted here", "mount -t cgroup2 none /sys/fs/cgroup");
    const auto path = find_cgroup(mount, spec);
    if (path.empty())
        throw Unfit("no cgroup '" + spec + "' below " + mount.string(),
                    "`systemd-cgls` or `find " + mount.string() + " -type d` shows them");
    Cgroup cgroup;
    cgroup.path = std::filesystem::relative(path, mount).string();
    if (cgroup.path == ".") return {};  // the root holds everything
    cgroup.level = static_cast<std::uint32_t>(std::ranges::count(cgroup.path, '/') + 1);
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) throw_errno("cannot read cgroup " + path.string(), errno);
    cgroup.id = st.st_ino;  // the kernel's cgroup id is the inode of its directory
    return cgroup;
}

bool still_there(const TargetSpec& spec, std::uint64_t netns_inode) {
    if (spec.netns.empty()) return true;
    try {
        if (netns_id(open_netns(spec.netns).get()) == netns_inode) return true;
    } catch (const Unfit&) {
        // by that name no more: a process of it may have ended
    }
    return visible_namespaces().contains(netns_inode);
}

Target resolve(const TargetSpec& spec) {
    Target target;
    target.spec = spec;
    target.netns = open_netns(spec.netns);
    target.netns_inode = netns_id(target.netns.get());
    target.interfaces = chosen(spec, interfaces(target.netns.get()));
    target.cgroup = resolve_cgroup(spec.cgroup);
    if (target.interfaces.empty()) throw Unfit("no interface that is up and holds an address", "name one with --interface");
    return target;
}

}  // namespace blackstart
