#include <iostream>

#include "experiments/commands/commands.h"
#include "experiments/parse.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

// Whether the file is right. Every file is looked at, also after one that is not, or that is not there.
bool check_one(const std::string& file) {
    Parsed parsed;
    try {
        parsed = parse(read_file(file), file);
    } catch (const Misuse& error) {
        std::cerr << error.what() << '\n';
        return false;
    }
    for (const auto& error : parsed.errors) std::cerr << to_string(error) << '\n';
    for (const auto& warning : parsed.warnings)
        std::cerr << to_string(Diagnostic{warning.file, warning.line, warning.column, "warning: " + warning.text}) << '\n';
    if (parsed.errors.empty()) std::cout << file << ": ok\n";
    return parsed.errors.empty();
}

}  // namespace

int check(const std::vector<std::string>& files) {
    bool right = true;
    for (const auto& file : files) right = check_one(file) && right;
    return right ? 0 : 2;
}

}  // namespace blackstart
