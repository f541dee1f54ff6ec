#include "experiments/parse/document.h"

#include <algorithm>
#include <string>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
// toml++ 3.3 asserts, before it complains, that a dot in a key is followed by a key: a build without NDEBUG would abort on a
// file that is merely wrong.
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <toml++/toml.h>

namespace blackstart {
namespace {

Place place(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

bool before(const Place& a, const Place& b) { return a.line != b.line ? a.line < b.line : a.column < b.column; }

Datum datum(const toml::node& node);

void fill(Datum& out, const toml::table& table) {
    out.type = Datum::Type::table;
    for (const auto& [key, value] : table) out.table.push_back({std::string(key.str()), place(key.source()), datum(value)});
    std::ranges::sort(out.table, before, &Entry::place);  // as written, not by name
}

Datum datum(const toml::node& node) {
    Datum out;
    out.place = place(node.source());
    if (const auto* table = node.as_table()) fill(out, *table);
    if (const auto* array = node.as_array()) {
        out.type = Datum::Type::list;
        for (const auto& one : *array) out.list.push_back(datum(one));
    }
    if (const auto* text = node.as_string()) out.text = text->get();
    if (const auto* integer = node.as_integer()) out.type = Datum::Type::integer, out.integer = integer->get();
    if (const auto* real = node.as_floating_point()) out.type = Datum::Type::real, out.real = real->get();
    if (const auto* flag = node.as_boolean()) out.type = Datum::Type::flag, out.flag = flag->get();
    if (node.is_date() || node.is_time() || node.is_date_time()) out.type = Datum::Type::moment;
    return out;
}

// "Error while parsing key-value pair: encountered end-of-file" without its first half, which names the parser's own states.
std::string reason(std::string_view description) {
    if (description.starts_with("Error while parsing "))
        if (const auto colon = description.find(": "); colon != std::string_view::npos) description.remove_prefix(colon + 2);
    return std::string(description);
}

}  // namespace

Datum read_document(std::string_view text, Complaints& complaints) {
    const auto parsed = toml::parse(text);
    if (parsed) return datum(parsed.table());
    complaints.error(place(parsed.error().source()), "not TOML: " + reason(parsed.error().description()));
    Datum empty;
    empty.type = Datum::Type::table;
    return empty;
}

}  // namespace blackstart
