#include "probes/extract.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <string_view>

#include "injector/kernel/error.h"

namespace blackstart {

using nlohmann::json;

namespace {

constexpr std::size_t longest_line = 4096;

std::string text_of(const json& element) { return element.is_string() ? element.get<std::string>() : element.dump(); }

std::optional<Value> value_of(const json& found) {
    if (found.is_null()) return std::nullopt;
    if (found.is_number()) return found.get<double>();
    if (!found.is_array()) return text_of(found);
    std::vector<std::string> set;
    for (const auto& element : found) set.push_back(text_of(element));
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
    return set;
}

std::optional<Value> by_pointer(const std::string& text, const json::json_pointer& pointer) {
    const auto document = json::parse(text, nullptr, false);
    if (document.is_discarded() || !document.contains(pointer)) return std::nullopt;
    return value_of(document.at(pointer));
}

std::optional<Value> by_regex(std::string_view text, const std::regex& pattern) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, std::min(end, longest_line));
        std::match_results<std::string_view::const_iterator> match;
        if (std::regex_search(line.begin(), line.end(), match, pattern)) return number_or_text(match[match.size() > 1 ? 1 : 0].str());
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::nullopt;
}

}  // namespace

struct Extractor::Impl {
    std::optional<json::json_pointer> pointer;
    std::regex pattern;
    bool whole = false;
};

Extractor::Extractor(const Extract& extract) : impl_(std::make_unique<Impl>()) {
    impl_->whole = extract.whole;
    try {
        if (extract.regex.empty())
            impl_->pointer.emplace(extract.json);
        else
            impl_->pattern = std::regex(extract.regex, std::regex::ECMAScript | std::regex::optimize);
    } catch (const json::exception&) {
        throw Misuse("'" + extract.json + "' is not a JSON pointer (RFC 6901): one begins with / and names keys, as in /pool/size");
    } catch (const std::regex_error& error) {
        throw Misuse("'" + extract.regex + "' is not a regex: " + error.what());
    }
}

Extractor::~Extractor() = default;
Extractor::Extractor(Extractor&&) noexcept = default;
Extractor& Extractor::operator=(Extractor&&) noexcept = default;

std::optional<Value> Extractor::operator()(const std::string& text) const {
    if (impl_->whole) return text;
    return impl_->pointer ? by_pointer(text, *impl_->pointer) : by_regex(text, impl_->pattern);
}

Value number_or_text(const std::string& text) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return text;
    const auto end = text.find_last_not_of(" \t\r\n") + 1;
    double number = 0;
    const auto [rest, error] = std::from_chars(text.data() + begin, text.data() + end, number);
    if (error != std::errc{} || rest != text.data() + end || !std::isfinite(number)) return text;
    return number;
}

}  // namespace blackstart
