#include "experiments/cli/help.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

namespace blackstart {
namespace {

using Row = std::pair<std::string, std::string>;

constexpr std::size_t screen = 80;

// Columns of a text: its characters, not its bytes.
std::size_t columns(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

// Breaks a text at blanks, so that what follows the first line stands under it.
std::string wrapped(const std::string& text, std::size_t indent) {
    std::istringstream words(text);
    std::string out, line;
    for (std::string word; words >> word; line += (line.empty() ? "" : " ") + word)
        if (!line.empty() && indent + columns(line) + 1 + columns(word) > screen) {
            out += line + "\n" + std::string(indent, ' ');
            line.clear();
        }
    return out + line;
}

std::string table(const std::vector<Row>& rows) {
    std::size_t width = 0;
    for (const auto& [left, right] : rows) width = std::max(width, left.size());
    std::string text;
    for (const auto& [left, right] : rows)
        text += "  " + left + std::string(width - left.size() + 2, ' ') + wrapped(right, width + 4) + "\n";
    return text;
}

std::string left_of(const CLI::Option& option) {
    std::string left = option.get_name(false, true);
    if (const auto comma = left.find(','); comma != std::string::npos) left.insert(comma + 1, " ");
    if (!option.get_type_name().empty()) left += " " + option.get_type_name();
    return left;
}

class Help : public CLI::FormatterBase {
public:
    std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
        const std::string command = app->get_parent() == nullptr ? app->get_name() : full_name(app);
        std::vector<Row> options, commands;
        std::string usage = command;
        for (const auto* sub : app->get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
            commands.emplace_back(sub->get_name(), sub->get_description());
        if (!commands.empty()) usage += app->get_parent() == nullptr ? " COMMAND" : app->get_name() == "inject" ? " KIND" : " [COMMAND]";
        for (const auto* option : app->get_options()) {
            if (option->get_positional())
                usage += " " + option->get_type_name();
            else
                options.emplace_back(left_of(*option), option->get_description());
        }
        return "Example:\n  " + app->get_footer() + "\n\n" + wrapped(app->get_description(), 0) + "\nUsage: " + usage + " [OPTIONS]\n\n" +
               table(commands) + (commands.empty() ? "" : "\n") + table(options);
    }

private:
    static std::string full_name(const CLI::App* app) {
        return app->get_parent() == nullptr ? app->get_name() : full_name(app->get_parent()) + " " + app->get_name();
    }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<Help>(); }

}  // namespace blackstart
