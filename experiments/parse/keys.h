// The keys of a table, described once for all who read them: the file's reader, the options of `inject`, and the manual.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/parse/types.h"

namespace blackstart {

struct Key {
    std::string name;    // as in the file
    std::string option;  // "--name": the key in the singular if it is a list
    std::string metavar;
    std::string doc;       // one line
    std::string fallback;  // what holds if it is absent, for people; "" = nothing
    bool required = false;
    bool repeats = false;
    bool in_file_only = false;  // no option of `inject`
    Shape shape = Shape::text;
    std::function<void(const Datum&, Complaints&)> read;  // into the struct that the key was bound to
    std::optional<Datum> given;                           // what was read
    bool right = false;                                   // and could be
    std::function<std::vector<KeyDoc>()> inner;           // of a table: its keys
    std::vector<std::string> words;                       // that can be written, if they are few

    Key& need() { return required = true, *this; }
    Key& says(std::string line) { return doc = std::move(line), *this; }
    Key& shown(std::string word) { return metavar = std::move(word), *this; }
    Key& only_in_file() { return in_file_only = true, *this; }
    Key& otherwise(std::string text) { return fallback = std::move(text), *this; }
};

// Describes a table and binds it to the struct that it fills, which must outlive it.
class Keys {
public:
    // `take` is called with the value, when it is read and right.
    template <class T, class Take> Key& on(std::string name, Type<T> type, Take take) {
        Key& key = keys_.emplace_back();
        key.option = option_of(name, type.repeats);
        key.name = std::move(name);
        key.metavar = type.name;
        key.repeats = type.repeats;
        key.shape = type.shape;
        key.inner = std::move(type.inner);
        key.words = std::move(type.words);
        key.read = [read = std::move(type.read), take = std::move(take)](const Datum& datum, Complaints& complaints) {
            if (auto value = read(datum, complaints)) take(std::move(*value));
        };
        return key;
    }
    template <class T, class Into> Key& add(std::string name, Type<T> type, Into& into) {
        return on(std::move(name), std::move(type), [&into](T value) { into = std::move(value); });
    }
    // A key with a reader of its own.
    Key& raw(std::string name, std::function<void(const Datum&, Complaints&)> read);
    // A table in the table; `describe` binds its keys.
    Key& nested(std::string name, std::function<void(Keys&)> describe);
    // A look at several keys together, once all are read; `place` is the table's.
    using Look = std::function<void(const Keys& keys, const Place& place, Complaints&)>;
    void check(Look look) { checks_.push_back(std::move(look)); }

    // What was written for a key; nullptr if nothing was.
    [[nodiscard]] const Datum* given(std::string_view name) const;
    // Whether it was given, and could be.
    [[nodiscard]] bool right(std::string_view name) const;
    [[nodiscard]] std::deque<Key>& all() { return keys_; }
    [[nodiscard]] const std::deque<Key>& all() const { return keys_; }

    // Reads a table of the file: unknown and missing keys, every value, then the checks. `noun` names the table: "fault 'lie'".
    void read(const Datum& table, const std::string& noun, Complaints& complaints);
    static void take(Key& key, const Datum& datum, Complaints& complaints);
    void run_checks(const Place& place, Complaints& complaints) const;
    [[nodiscard]] std::vector<KeyDoc> told() const;

    // What the table is about, for help and manual: one sentence, and a command that runs as it stands.
    std::string about, example;

    static std::string option_of(const std::string& key, bool repeats);

private:
    void complain_unknown(const Entry& entry, const std::string& noun, Complaints& complaints) const;
    std::deque<Key> keys_;
    std::vector<Look> checks_;
};

namespace type {

// A table with keys of its own, as `describe` binds them to a T.
template <class T> Type<T> table(const std::string& noun, std::function<void(Keys&, T&)> describe) {
    return {"KEY=VALUE,…", Shape::pairs, false,
            [noun, describe](const Datum& datum, Complaints& complaints) -> std::optional<T> {
                T value;
                Keys keys;
                describe(keys, value);
                const auto before = complaints.errors.size();
                keys.read(datum, noun, complaints);
                if (complaints.errors.size() > before) return std::nullopt;
                return value;
            },
            [describe] {
                T value;
                Keys keys;
                describe(keys, value);
                return keys.told();
            }};
}

}  // namespace type

}  // namespace blackstart
