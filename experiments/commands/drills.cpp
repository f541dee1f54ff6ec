#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/commands/commands.h"
#include "experiments/drills.h"
#include "experiments/parse.h"

namespace blackstart {
namespace {

// One line for a drill: the title of its hardened half.
std::string title(const Drill& drill) {
    const auto file = drill.folder / "hardened.toml";
    return parse(read_file(file), file.string()).experiment.title;
}

}  // namespace

int drills_command(bool json) {
    auto list = nlohmann::ordered_json{{"format", "blackstart-drills/1.0"}, {"drills", nlohmann::ordered_json::array()}};
    for (const auto& drill : shipped_drills()) {
        list["drills"].push_back({{"name", drill.name}, {"title", title(drill)}, {"folder", drill.folder.string()}});
        if (!json) fmt::print("{:<20} {}\n", drill.name, title(drill));
    }
    if (json) std::cout << list.dump(2) << '\n';
    return 0;
}

}  // namespace blackstart
