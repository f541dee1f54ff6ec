#include "experiments/parse/probes.h"

#include <regex>
#include <utility>

namespace blackstart {
namespace {

template <class Call, std::size_t... I> void each_kind(Call with, std::index_sequence<I...>) {
    (with(std::variant_alternative_t<I, ProbeKind>{}), ...);
}
template <class Call> void each_kind(Call with) { each_kind(with, std::make_index_sequence<std::variant_size_v<ProbeKind>>{}); }

std::string pointer_fault(const std::string& pointer) {
    return pointer.starts_with('/') ? "" : "a JSON pointer begins with '/': did you mean '/" + pointer + "'?";  // RFC 6901 §3
}

std::string regex_fault(const std::string& text) {
    constexpr std::size_t longest = 1000;  // std::regex recurses over its pattern
    if (text.size() > longest) return "a regex has at most 1000 characters";
    try {
        const std::regex compiled(text);
        return "";
    } catch (const std::regex_error& error) {
        return "'" + text + "' is no ECMAScript regex: " + error.what();
    }
}

}  // namespace

std::vector<std::string> probe_kinds() {
    std::vector<std::string> names;
    each_kind([&](const auto& kind) { names.emplace_back(kind.kind); });
    return names;
}

ProbeKind make_probe(const std::string& name) {
    ProbeKind probe;
    each_kind([&](const auto& kind) {
        if (name == kind.kind) probe = kind;
    });
    return probe;
}

Keys probe_keys(Probe& probe) {
    Keys keys;
    keys.add("from", type::netns(), probe.from).otherwise("the host's own").says("lab host or network namespace that it runs in");
    keys.add("every", type::duration(), probe.every).otherwise("1s").says("a tick starts one observation, whatever is in flight");
    keys.add("timeout", type::duration(), probe.timeout).otherwise("1s").says("when an observation is given up");
    keys.add("baseline", type::flag(), probe.baseline).otherwise("true").says("false: fails by design, not asked in the baseline");
    std::visit([&](auto& kind) { describe_probe(keys, kind); }, probe.kind);
    keys.check([&probe](const Keys& all, const Place&, Complaints& complaints) {
        constexpr auto least = std::chrono::milliseconds(1);
        if (const auto* every = all.given("every"); every != nullptr && probe.every < least && probe.every.count() > 0)
            complaints.error(every->place, "every: a probe ticks every 1ms at most, not every " + every->text);
    });
    return keys;
}

Type<Extract> extract() {
    return type::table<Extract>("value", [](Keys& keys, Extract& extract) {
        keys.add("json", type::matching("POINTER", pointer_fault), extract.json).says("JSON pointer into the body");
        keys.add("regex", type::matching("REGEX", regex_fault), extract.regex).says("its first group, or its whole match");
        keys.check([](const Keys& all, const Place& place, Complaints& complaints) {
            const bool json = all.given("json") != nullptr;
            const bool regex = all.given("regex") != nullptr;
            if (json == regex)
                complaints.error(place, std::string(R"(expected { json = "/pointer" } or { regex = "…" })") + (json ? ", not both" : ""));
        });
    });
}

bool has_value(const Probe& probe) {
    if (const auto* http = std::get_if<HttpProbe>(&probe.kind)) return http->value.has_value();
    return !std::holds_alternative<TcpProbe>(probe.kind) && !std::holds_alternative<IcmpProbe>(probe.kind);
}

}  // namespace blackstart
