#include "experiments/expectations/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace blackstart {
namespace {

std::optional<double> of_text(const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

std::optional<double> of_scalar(const Value& value) {
    if (const auto* one = std::get_if<double>(&value)) return std::isfinite(*one) ? std::optional(*one) : std::nullopt;
    if (const auto* text = std::get_if<std::string>(&value)) return of_text(*text);
    return std::nullopt;
}

}  // namespace

std::optional<double> number(const Value& value) {
    const auto* set = std::get_if<std::vector<std::string>>(&value);
    if (set == nullptr) return of_scalar(value);
    return set->size() == 1 ? of_text(set->front()) : std::nullopt;
}

std::optional<double> amount(const Value& value) {
    const auto* set = std::get_if<std::vector<std::string>>(&value);
    return set == nullptr ? of_scalar(value) : static_cast<double>(set->size());
}

double removed(const Value& from, const Value& to) {
    const auto* before = std::get_if<std::vector<std::string>>(&from);
    const auto* after = std::get_if<std::vector<std::string>>(&to);
    if (before != nullptr && after != nullptr) {
        return static_cast<double>(
            std::ranges::count_if(*before, [&](const std::string& member) { return std::ranges::find(*after, member) == after->end(); }));
    }
    return std::max(0.0, amount(from).value_or(0) - amount(to).value_or(0));
}

std::vector<Number> numbers(const Evidence& evidence, Reader& read) {
    std::vector<Number> result;
    for (const Sample& sample : evidence.samples) {
        const auto value = sample.seen->value ? read(*sample.seen->value) : std::nullopt;
        if (value) result.push_back({&sample, *value});
    }
    return result;
}

std::vector<const Sample*> in_order(const std::vector<const Sample*>& with_values) {
    const auto reply = [](const Sample* sample) { return sample->t + sample->seen->latency; };
    std::vector<const Sample*> result, unanswered;  // those whose value is another
    const auto settle = [&](auto answered) {
        const auto rest = std::stable_partition(unanswered.begin(), unanswered.end(), answered);
        std::stable_sort(unanswered.begin(), rest, [&](const Sample* a, const Sample* b) { return reply(a) < reply(b); });
        result.insert(result.end(), unanswered.begin(), rest);
        unanswered.erase(unanswered.begin(), rest);
    };
    for (const Sample* now : with_values) {
        settle([&](const Sample* earlier) { return earlier->span != now->span || reply(earlier) <= now->t; });
        const bool repeats = !result.empty() && result.back()->span == now->span && result.back()->seen->value == now->seen->value;
        (repeats ? result : unanswered).push_back(now);
    }
    settle([](const Sample*) { return true; });
    return result;
}

std::string doubt(const Evidence& evidence, std::size_t with) {
    const std::size_t n = evidence.samples.size(), missing = evidence.missing(), without = n - with + missing;
    if (n == 0 || evidence.too_few()) return evidence.scarcity();
    if (with == 0) return "no observation has a value";
    if (without * 20 > n + missing) return fmt::format("{} of {} have no value: over 5%", without, n + missing);
    return "";
}

double median(const std::vector<Number>& numbers) {
    std::vector<double> sorted;
    sorted.reserve(numbers.size());
    for (const Number& number : numbers) sorted.push_back(number.value);
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

std::string number_text(double value) { return fmt::format("{:.12g}", value); }

std::string value_text(const Value& value) {
    constexpr std::size_t longest = 60;
    std::string text;
    if (const auto* one = std::get_if<double>(&value)) return number_text(*one);
    if (const auto* said = std::get_if<std::string>(&value)) text = *said;
    if (const auto* set = std::get_if<std::vector<std::string>>(&value)) text = fmt::format("{}", fmt::join(*set, ", "));
    if (text.empty()) return "nothing";
    if (text.size() <= longest) return text;
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) end--;  // not within a UTF-8 sequence
    return text.substr(0, end) + "…";
}

}  // namespace blackstart
