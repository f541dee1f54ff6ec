#include "probes/metric.h"

#include <cmath>

#include "servers.h"

using namespace blackstart;
using namespace blackstart::testing;

namespace {

const std::string page =
    "# HELP up whether it is up\n# TYPE up gauge\nup 1\n"
    "requests_total{code=\"200\",path=\"/a\"} 1027 1395066363000\n"
    "requests_total{code=\"503\",path=\"/a\"} 3\n"
    "requests_total_created 5\n"
    "odd{text=\"a \\\"b\\\" {c} \\\\ d\"} -2.5e3\n"
    "edge{le=\"+Inf\"} +Inf\nnone NaN\nbroken{ 4\nwords x\n";

MetricReading read(const char* text) { return read_metric(page, parse_series(text).value()); }

TEST(Metric, IsTheSeriesWithTheseLabels) {
    EXPECT_EQ(read("up").number, 1);
    EXPECT_EQ(read("requests_total{code=\"503\"}").number, 3);
    EXPECT_EQ(read("requests_total{ path = \"/a\", code=\"200\", }").number, 1027);
    EXPECT_EQ(read("odd{text=\"a \\\"b\\\" {c} \\\\ d\"}").number, -2500);
    EXPECT_TRUE(std::isinf(read("edge").number.value()));
    EXPECT_TRUE(std::isnan(read("none").number.value()));
}

TEST(Metric, IsNoneWhereSeveralCouldBeMeantOrNoneIsThere) {
    EXPECT_EQ(read("requests_total").matches, 2U);
    EXPECT_EQ(read("requests_total{code=\"404\"}").matches, 0U);
    EXPECT_EQ(read("requests").matches, 0U);
    EXPECT_EQ(read("broken").matches, 0U);
    EXPECT_EQ(read("words").number, std::nullopt);
}

TEST(Metric, TellsWhatIsNoSeries) {
    for (const auto* text : {"", "{}", "a b", "a{b}", "a{b=c}", "a{b=\"c\"", "a{b=\"c}", "a{} b"}) EXPECT_FALSE(parse_series(text)) << text;
}

TEST(MetricProbes, JudgeTheNumberOfThePage) {
    const auto server = http_server(AF_INET, [](const std::string&) { return response(200, page); });
    MetricProbe metric;
    metric.url = "http://" + server.at() + "/metrics";
    metric.series = parse_series("requests_total{code=\"503\"}").value();
    metric.max = 3;
    auto ok = metric, above = metric, absent = metric;
    above.max = 2;
    absent.series.name = "gone";
    const auto seen = Watched({probe(ok, 50ms, 2s), probe(above, 50ms, 2s), probe(absent, 50ms, 2s)}, 300ms);
    for (const auto& each : seen.of(0)) {
        EXPECT_TRUE(each.ok) << each.why;
        EXPECT_EQ(each.value, Value(3.0));
    }
    for (const auto& each : seen.of(1)) EXPECT_EQ(each.why, "3 is above 2");
    for (const auto& each : seen.of(2)) {
        EXPECT_EQ(each.why, "no such series");
        EXPECT_EQ(each.value, std::nullopt);
    }
    EXPECT_FALSE(seen.of(0).empty());
}

}  // namespace
