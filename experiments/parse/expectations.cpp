#include "experiments/parse/expectations.h"

#include <utility>

namespace blackstart {
namespace {

template <class Call, std::size_t... I> void each_condition(Call with, std::index_sequence<I...>) {
    (with(std::variant_alternative_t<I, Condition>{}), ...);
}
template <class Call> void each_condition(Call with) { each_condition(with, std::make_index_sequence<std::variant_size_v<Condition>>{}); }

}  // namespace

std::vector<std::string> conditions() {
    std::vector<std::string> names;
    each_condition([&](const auto& one) { names.emplace_back(one.condition); });
    return names;
}

Condition make_condition(const std::string& name) {
    Condition condition;
    each_condition([&](const auto& one) {
        if (name == one.condition) condition = one;
    });
    return condition;
}

Keys expectation_keys(Expectation& expectation) {
    Keys keys;
    const bool metered = std::visit(
        [](const auto& c) {
            return requires { c.meter; };
        },
        expectation.condition);
    if (!metered) keys.add("probe", type::text("PROBE"), expectation.probe).need().says("the probe whose observations are judged");
    keys.add("during", type::text("WINDOW"), expectation.during)
        .otherwise("everything from t0")
        .says("baseline, fault, after, or a fault's name");
    std::visit([&](auto& condition) { describe_condition(keys, condition); }, expectation.condition);
    return keys;
}

}  // namespace blackstart
