#include "injector/resolver_path.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace blackstart {
namespace {

// The words behind `key` on each line that begins with it.
std::vector<std::string> words_of(const std::string& path, const std::string& key) {
    std::vector<std::string> found;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string word;
        if (!(words >> word) || word != key) continue;
        while (words >> word) found.push_back(word);
    }
    return found;
}

}  // namespace

std::vector<std::string> resolver_path(const std::string& root) {
    const std::filesystem::path base(root);
    std::vector<std::string> notes;
    for (const auto& word : words_of(base / "etc/nsswitch.conf", "hosts:"))
        if (word == "resolve")
            notes.emplace_back(
                "nss-resolve (hosts: in /etc/nsswitch.conf) asks systemd-resolved over a socket: a program sends no DNS packet of its own; "
                "for one "
                "service only, take 'resolve' out of its nsswitch.conf, else scope the fault to systemd-resolved.service");
    for (const auto& server : words_of(base / "etc/resolv.conf", "nameserver")) {
        if (!server.starts_with("127.") && server != "::1") continue;
        notes.push_back("programs ask " + server +
                        " (/etc/resolv.conf), a stub on lo: a cgroup's own queries are seen on lo only; those that leave "
                        "the host are the stub's, of its cgroup, and its cache answers without any");
        // CACHE_TTL_STRANGE_RCODE_USEC, systemd's resolved-dns-cache.c
        if (server == "127.0.0.53") notes.back() += "; systemd-resolved keeps servfail, refused, formerr and notimp for ten seconds";
    }
    if (std::filesystem::exists(base / "run/nscd/socket"))
        notes.emplace_back("nscd is running: it asks, and keeps the answers, for all programs; scope the fault to its cgroup, or stop it");
    return notes;
}

}  // namespace blackstart
