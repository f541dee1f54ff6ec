#include "injector/latency.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/match.h"

namespace blackstart {
namespace {

struct Told {
    Distribution distribution = Distribution::uniform;
    std::vector<std::chrono::nanoseconds> table;
};

Type<Told> distribution() {
    using enum Distribution;
    const auto word = type::choice<Distribution>("distribution", {{"uniform", uniform}, {"normal", normal}, {"pareto", pareto}});
    const auto times = type::list(type::duration(type::Zero::allowed));
    return {"DISTRIBUTION",
            Shape::commas,
            false,
            [word, times](const Datum& datum, Complaints& complaints) -> std::optional<Told> {
                if (datum.type == Datum::Type::list) {
                    auto read = times.read(datum, complaints);
                    if (!read) return std::nullopt;
                    return Told{table, std::move(*read)};
                }
                const auto read = word.read(datum, complaints);
                if (!read) return std::nullopt;
                return Told{*read, {}};
            },
            {},
            word.words};
}

}  // namespace

template <> void describe(Keys& keys, LatencyFault& fault) {
    keys.about = "Delay each packet that matches; all others are untouched.";
    keys.example = "blackstart inject latency --to 192.0.2.0/24 --delay 100ms --for 30s";
    describe_match(keys, fault.match);
    keys.add("delay", type::duration(), fault.delay).need().says("how long each packet is held back");
    keys.add("jitter", type::duration(type::Zero::allowed), fault.jitter).otherwise("0s").says("spread: in delay ± jitter");
    keys.on("distribution", distribution(),
            [&fault](Told told) {
                fault.distribution = told.distribution;
                fault.table = std::move(told.table);
            })
        .otherwise("uniform")
        .says("uniform, normal, pareto, or delays to draw from");
    keys.add("correlation", type::share(type::Zero::allowed), fault.correlation).otherwise("0%").says("of each delay with the last");
    keys.add("skip_handshake", type::flag(), fault.skip_handshake).says("TCP connections open without delay");
    keys.add("delay_line", type::flag(), fault.delay_line).says("force the user-space delay line over netem");
}

}  // namespace blackstart
