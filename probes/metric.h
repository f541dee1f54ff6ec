// A number on a page in the Prometheus text format: one series of it. The page is asked for as in http.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace blackstart {

// name{label="value",…}: the series with that name which has these labels, and perhaps others.
struct Series {
    std::string name;
    std::map<std::string, std::string> labels;
};

// Nothing if the text is none.
std::optional<Series> parse_series(std::string_view text);

struct MetricReading {
    std::size_t matches = 0;       // how many series of the page it could be
    std::optional<double> number;  // if it is one: as written, so it may be infinite or no number
};
MetricReading read_metric(const std::string& page, const Series& series);

struct MetricProbe {
    static constexpr const char* kind = "metric";
    std::string url;
    Series series;
    std::optional<double> min, max;  // expect: not ok below, above
};

}  // namespace blackstart
