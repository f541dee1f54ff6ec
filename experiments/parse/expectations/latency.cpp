#include <charconv>
#include <cmath>

#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {
namespace {

// "p99" -> 0.99, "p99.9" -> 0.999; nothing for what is no quantile between 0 and 1.
std::optional<double> quantile(const std::string& key) {
    double percent = 0;
    if (!key.starts_with('p')) return std::nullopt;
    const auto [end, error] = std::from_chars(key.data() + 1, key.data() + key.size(), percent, std::chars_format::fixed);
    if (error != std::errc() || end != key.data() + key.size() || !(percent > 0 && percent < 100)) return std::nullopt;
    return std::round(percent * 1e6) / 1e8;  // 0.999 as it is written elsewhere, not 99.9 / 100
}

std::string no_quantile(const std::string& key) {
    const std::string nines = key.starts_with("p99") ? key.substr(3) : "";  // p999, as some write it
    const bool meant = !nines.empty() && nines.find_first_not_of("0123456789") == std::string::npos;
    return "'" + key + "' is no quantile: " + (meant ? "did you mean \"p99." + nines + "\"?" : R"(expected p50, p99, "p99.9" …)");
}

Type<std::map<double, Limit>> quantiles() {
    return {"LIMITS", Shape::pairs, false, [](const Datum& datum, Complaints& complaints) -> std::optional<std::map<double, Limit>> {
                if (datum.type != Datum::Type::table || datum.table.empty()) {
                    complaints.error(datum.place, "expected limits such as { p99 = \"<= 250ms\" }, not " + described(datum));
                    return std::nullopt;
                }
                std::map<double, Limit> limits;
                for (const auto& entry : datum.table) {
                    const Complaints::About about(complaints, entry.key);
                    const auto share = quantile(entry.key);
                    if (!share) complaints.error(entry.place, no_quantile(entry.key));
                    const auto limit = type::duration_limit().read(entry.value, complaints);
                    if (share && limit) limits[*share] = *limit;
                }
                if (limits.size() != datum.table.size()) return std::nullopt;
                return limits;
            }};
}

}  // namespace

template <> void describe_condition(Keys& keys, LatencyLimits& latency) {
    keys.about =
        "Quantiles of the latency, by nearest rank; an observation that is not ok counts as infinite. Inconclusive under 1/(1-q) "
        "samples. Source: Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996 (definition 1).";
    keys.add("latency", quantiles(), latency.quantiles).need().says("limits of quantiles, as in { p99 = \"<= 250ms\" }");
}

}  // namespace blackstart
