#include "probes/metric.h"

#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

Type<Series> series() {
    return {"SERIES", Shape::text, false, [](const Datum& datum, Complaints& complaints) -> std::optional<Series> {
                auto read = datum.type == Datum::Type::text ? parse_series(datum.text) : std::nullopt;
                if (!read) complaints.error(datum.place, "expected a series such as name{label=\"value\"}, not " + described(datum));
                return read;
            }};
}

Type<double> number() {
    return {"NUMBER", Shape::scalar, false, [](const Datum& datum, Complaints& complaints) -> std::optional<double> {
                if (datum.type == Datum::Type::integer) return static_cast<double>(datum.integer);
                if (datum.type == Datum::Type::real) return datum.real;
                complaints.error(datum.place, "expected a number, not " + described(datum));
                return std::nullopt;
            }};
}

}  // namespace

template <> void describe_probe(Keys& keys, MetricProbe& probe) {
    keys.about = "One number on a page in the Prometheus text format.";
    keys.add("url", type::url(), probe.url).need().says("the page, as http://10.0.0.1:9100/metrics");
    keys.add("series", series(), probe.series).need().says("name{label=\"value\"}: the one that has these labels");
    keys.nested("expect",
                [&probe](Keys& expect) {
                    expect.add("min", number(), probe.min).says("not ok below");
                    expect.add("max", number(), probe.max).says("not ok above");
                })
        .says("what makes one observation ok");
}

}  // namespace blackstart
