#include "experiments/parse/keys.h"

#include <algorithm>

namespace blackstart {

std::string Keys::option_of(const std::string& key, bool repeats) {
    std::string option = "--" + key;
    if (repeats && option.ends_with('s')) option.pop_back();
    std::ranges::replace(option, '_', '-');
    return option;
}

Key& Keys::raw(std::string name, std::function<void(const Datum&, Complaints&)> read) {
    Key& key = keys_.emplace_back();
    key.option = option_of(name, false);
    key.shape = Shape::pairs;
    key.name = std::move(name);
    key.read = std::move(read);
    return key;
}

Key& Keys::nested(std::string name, std::function<void(Keys&)> describe) {
    const std::string noun = "'" + name + "'";
    Key& key = raw(std::move(name), [noun, describe](const Datum& datum, Complaints& complaints) {
        Keys inner;
        describe(inner);
        inner.read(datum, noun, complaints);
    });
    key.inner = [describe = std::move(describe)] {
        Keys inner;
        describe(inner);
        return inner.told();
    };
    return key;
}

const Datum* Keys::given(std::string_view name) const {
    const auto key = std::ranges::find(keys_, name, &Key::name);
    return key == keys_.end() || !key->given ? nullptr : &*key->given;
}

bool Keys::right(std::string_view name) const {
    const auto key = std::ranges::find(keys_, name, &Key::name);
    return key != keys_.end() && key->right;
}

void Keys::take(Key& key, const Datum& datum, Complaints& complaints) {
    const auto before = complaints.errors.size();
    key.given = datum;
    key.read(datum, complaints);
    key.right = complaints.errors.size() == before;
}

void Keys::complain_unknown(const Entry& entry, const std::string& noun, Complaints& complaints) const {
    std::vector<std::string> names;
    for (const auto& key : keys_) names.push_back(key.name);
    complaints.error(entry.place, "unknown key '" + entry.key + "' in " + noun + hint(entry.key, names));
}

void Keys::read(const Datum& table, const std::string& noun, Complaints& complaints) {
    if (table.type != Datum::Type::table) {
        complaints.error(table.place, "expected a table, not " + described(table));
        return;
    }
    for (const auto& entry : table.table) {
        const auto key = std::ranges::find(keys_, entry.key, &Key::name);
        if (key == keys_.end()) {
            complain_unknown(entry, noun, complaints);
            continue;
        }
        const Complaints::About about_key(complaints, key->name);
        take(*key, entry.value, complaints);
    }
    for (const auto& key : keys_)
        if (key.required && !key.given) complaints.error(table.place, noun + " needs '" + key.name + "': " + key.doc);
    run_checks(table.place, complaints);
}

std::vector<KeyDoc> Keys::told() const {
    std::vector<KeyDoc> all;
    all.reserve(keys_.size());
    for (const auto& key : keys_) all.push_back({key.name, key.metavar, key.doc, key.fallback, key.required});
    return all;
}

void Keys::run_checks(const Place& place, Complaints& complaints) const {
    for (const auto& look : checks_) look(*this, place, complaints);
}

}  // namespace blackstart
