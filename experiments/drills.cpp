#include "experiments/drills.h"

#include <algorithm>

#include "experiments/parse/nearest.h"
#include "injector/kernel/error.h"

namespace blackstart {

std::vector<Drill> shipped_drills() {
    namespace fs = std::filesystem;
    std::error_code ignored;
    const auto binary = fs::read_symlink("/proc/self/exe", ignored).parent_path();
    std::vector<Drill> found;
    const fs::path share = "share/blackstart/drills";
    // Of the installed program, of the one that was just built, and of a copy of either.
    for (const auto& folder : {binary / ".." / share, binary / "../../experiments/drills", "/usr/local" / share, "/usr" / share}) {
        for (const auto& entry : fs::directory_iterator(folder, ignored))
            if (fs::exists(entry.path() / "hardened.toml", ignored))
                found.push_back({entry.path().filename(), fs::canonical(entry.path(), ignored)});
        if (!found.empty()) break;
    }
    std::ranges::sort(found, {}, &Drill::name);
    return found;
}

std::optional<std::filesystem::path> find_drill(const std::string& name) {
    for (auto& drill : shipped_drills())
        if (drill.name == name) return drill.folder;
    return std::nullopt;
}

void refuse_unknown_drill(const std::string& word) {
    std::error_code ignored;
    if (word.find_first_of("/.") != std::string::npos || std::filesystem::exists(word, ignored)) return;
    std::vector<std::string> names;
    for (const auto& drill : shipped_drills()) names.push_back(drill.name);
    const auto near = nearest(word, names);
    throw Misuse("'" + word + "' is neither a file nor a shipped drill" +
                 (near.empty() ? ": `blackstart drills` lists them" : "; did you mean '" + near + "'?"));
}

}  // namespace blackstart
