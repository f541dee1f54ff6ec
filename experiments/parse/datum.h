// A value as the user wrote it, whether in a file or as an option of the command line. The only thing that readers see:
// TOML and CLI11 are each known to one file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blackstart {

// Where it stands in the file, from 1; 0: nowhere (an option).
struct Place {
    std::size_t line = 0, column = 0;
};

struct Entry;

struct Datum {
    enum class Type { text, integer, real, flag, list, table, moment };

    Type type = Type::text;
    std::string text;  // also a moment's (a TOML date or time): no key takes one
    std::int64_t integer = 0;
    double real = 0;
    bool flag = false;
    std::vector<Datum> list;
    std::vector<Entry> table;
    Place place;

    [[nodiscard]] const Entry* find(std::string_view key) const;
};

struct Entry {
    std::string key;
    Place place;  // of the key
    Datum value;
};

// For messages: "'text'", "the number 5", "true", "an array", "a table".
std::string described(const Datum& datum);

}  // namespace blackstart
