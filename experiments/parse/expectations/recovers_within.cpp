#include "experiments/parse/expectations.h"

namespace blackstart {
namespace {

struct End {
    std::string fault;
    bool stop = false;
};

Type<End> end_of_fault() {
    return {"FAULT.start|FAULT.stop", Shape::text, false, [](const Datum& datum, Complaints& complaints) -> std::optional<End> {
                const auto dot = datum.text.rfind('.');
                const auto word = dot == std::string::npos ? "" : datum.text.substr(dot + 1);
                if (datum.type == Datum::Type::text && dot != 0 && (word == "start" || word == "stop"))
                    return End{datum.text.substr(0, dot), word == "stop"};
                const auto near = nearest(word, {"start", "stop"});
                complaints.error(datum.place, "expected a fault's name and .start or .stop, as in \"lie.stop\", not " + described(datum) +
                                                  (near.empty() ? "" : "; did you mean '" + datum.text.substr(0, dot) + "." + near + "'?"));
                return std::nullopt;
            }};
}

}  // namespace

template <> void describe_condition(Keys& keys, RecoversWithin& recovers) {
    keys.add("recovers_within", type::duration(), recovers.within).need().says("from the event to the start of a lasting ok stretch");
    keys.on("after", end_of_fault(),
            [&recovers](End end) {
                recovers.fault = std::move(end.fault);
                recovers.stop = end.stop;
            })
        .need()
        .says("the event, as in \"lie.start\" or \"lie.stop\"");
    keys.add("hold", type::duration(), recovers.hold).otherwise("5s").says("how long the ok stretch lasts");
}

}  // namespace blackstart
