#include "probes/metric.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <sstream>
#include <utility>

#include "probes/http.h"
#include "probes/runner.h"

namespace blackstart {

namespace {

bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':' || c == '.';
}

// Reads from the front of a text.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    void skip_blanks() {
        while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t')) text_.remove_prefix(1);
    }
    bool take(char c) {
        skip_blanks();
        if (text_.empty() || text_.front() != c) return false;
        text_.remove_prefix(1);
        return true;
    }
    std::string name() {
        skip_blanks();
        std::string name;
        while (!text_.empty() && is_name(text_.front())) {
            name += text_.front();
            text_.remove_prefix(1);
        }
        return name;
    }
    // Between quotes: \\, \" and \n are escaped.
    std::optional<std::string> quoted() {
        if (!take('"')) return std::nullopt;
        std::string value;
        for (; !text_.empty(); text_.remove_prefix(1)) {
            if (text_.front() == '"') {
                text_.remove_prefix(1);
                return value;
            }
            if (text_.front() == '\\' && text_.size() > 1)
                text_.remove_prefix(1), value += text_.front() == 'n' ? '\n' : text_.front();
            else
                value += text_.front();
        }
        return std::nullopt;
    }
    [[nodiscard]] std::string_view rest() const { return text_; }

private:
    std::string_view text_;
};

std::optional<Series> read_series(Reader& reader) {
    Series series;
    series.name = reader.name();
    if (series.name.empty()) return std::nullopt;
    if (!reader.take('{')) return series;
    while (!reader.take('}')) {
        auto label = reader.name();
        if (label.empty() || !reader.take('=')) return std::nullopt;
        auto value = reader.quoted();
        if (!value) return std::nullopt;
        series.labels[std::move(label)] = std::move(*value);
        reader.take(',');
    }
    return series;
}

bool is_that(const Series& series, const Series& wanted) {
    if (series.name != wanted.name) return false;
    for (const auto& [label, value] : wanted.labels) {
        const auto found = series.labels.find(label);
        if (found == series.labels.end() || found->second != value) return false;
    }
    return true;
}

// As the format writes numbers: what from_chars reads, with a sign and Inf and NaN in any case.
std::optional<double> number(Reader& reader) {
    reader.skip_blanks();
    auto text = reader.rest().substr(0, reader.rest().find_first_of(" \t\r"));
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

class MetricRunner final : public Runner {
public:
    MetricRunner(MetricProbe probe, std::unique_ptr<Runner> page) : probe_(std::move(probe)), page_(std::move(page)) {}
    std::unique_ptr<Attempt> begin(Tick& tick) override;

    [[nodiscard]] Outcome judge(Outcome page) const {
        if (!page.ok) return {false, std::move(page.why), std::nullopt};
        const auto* text = page.value ? std::get_if<std::string>(&*page.value) : nullptr;
        const auto reading = read_metric(text != nullptr ? *text : "", probe_.series);
        if (reading.matches == 0) return failed("no such series");
        if (reading.matches > 1) return failed(fmt::format("{} series match: name more labels", reading.matches));
        if (!reading.number) return failed("its value is no number");
        const double value = *reading.number;
        if (probe_.min && !(value >= *probe_.min)) return {false, fmt::format("{:g} is below {:g}", value, *probe_.min), value};
        if (probe_.max && !(value <= *probe_.max)) return {false, fmt::format("{:g} is above {:g}", value, *probe_.max), value};
        return {true, "", value};
    }
    [[nodiscard]] Runner& page() const { return *page_; }

private:
    MetricProbe probe_;
    std::unique_ptr<Runner> page_;
};

class MetricAttempt final : public Attempt, Tick {
public:
    MetricAttempt(const MetricRunner& runner, Tick& tick) : runner_(runner), tick_(tick) { page_ = runner.page().begin(*this); }

private:
    void finish(Outcome outcome) override { tick_.finish(runner_.judge(std::move(outcome))); }

    const MetricRunner& runner_;
    Tick& tick_;
    std::unique_ptr<Attempt> page_;
};

std::unique_ptr<Attempt> MetricRunner::begin(Tick& tick) { return std::make_unique<MetricAttempt>(*this, tick); }

}  // namespace

std::optional<Series> parse_series(std::string_view text) {
    Reader reader(text);
    auto series = read_series(reader);
    reader.skip_blanks();
    return reader.rest().empty() ? series : std::nullopt;
}

MetricReading read_metric(const std::string& page, const Series& wanted) {
    MetricReading reading;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(wanted.name)) continue;
        Reader reader(line);
        const auto series = read_series(reader);
        if (!series || !is_that(*series, wanted)) continue;
        reading.matches++;
        reading.number = number(reader);
    }
    return reading;
}

template <> std::unique_ptr<Runner> make_runner(const MetricProbe& probe, const Place& place, Surroundings& around) {
    HttpProbe page;
    page.url = probe.url;
    page.value = Extract{.json = {}, .regex = {}, .whole = true};
    return std::make_unique<MetricRunner>(probe, make_runner(page, place, around));
}

}  // namespace blackstart
