// The drills that are shipped with the binary: experiments/drills in a build tree, share/blackstart/drills when installed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace blackstart {

struct Drill {
    std::string name;  // of its folder, which holds weak.toml and hardened.toml
    std::filesystem::path folder;
};

// Sorted by name.
std::vector<Drill> shipped_drills();
// The folder of a shipped drill; nullopt for any other text, so that a file of the same name, given as ./NAME, is a file.
std::optional<std::filesystem::path> find_drill(const std::string& name);

// Throws Misuse, with the nearest drill, for a word that can only be meant as a drill's name and is none: no such file, and no path.
void refuse_unknown_drill(const std::string& word);

}  // namespace blackstart
