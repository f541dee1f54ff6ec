// A run on a terminal: a few lines that are redrawn in place. Lines of progress go by above them.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/follower.h"

namespace blackstart {

// What there is to be shown; knows no terminal.
class Picture {
public:
    explicit Picture(const Experiment& experiment);
    void seen(const Event& event);
    void acting(const std::vector<Acting>& acting);
    // Looks anew at what is lost (outlook.h): up to 50,000 events, as it costs more, the longer the history is.
    void look_ahead(Time now);
    // The lines at a moment, none longer than `columns`, which is at least 20. `rows`: how many at most; the rest is told by number.
    [[nodiscard]] std::vector<std::string> lines(Time now, std::size_t columns, std::size_t rows, bool colour) const;

private:
    struct Second {
        std::size_t ok = 0, all = 0;
        std::chrono::nanoseconds latency{0};  // of the ok ones together
    };
    struct Seen {  // of one probe since the phase began
        std::size_t ok = 0, all = 0;
        std::deque<std::chrono::nanoseconds> latencies;  // of the last ok ones
        std::map<std::int64_t, Second> seconds;          // by second of the history, the last few
    };
    struct State {  // of a fault on one target
        bool armed = false, over = false;
        std::uint64_t hits = 0;
        std::string what;  // how it ended, if it did not as planned
    };
    [[nodiscard]] std::string head(Time now) const;
    [[nodiscard]] std::vector<std::string> faults(Time now) const;
    [[nodiscard]] std::string probe(const Probe& probe, Time now, std::size_t width) const;
    [[nodiscard]] std::string guard(const Guard& guard, Time now) const;
    void observed(Time t, const event::Observed& seen);

    const Experiment& experiment_;
    History history_;
    std::optional<Time> started_, t0_;
    std::string phase_;
    std::map<std::string, Seen> probes_;
    std::map<std::pair<std::string, std::string>, State> faults_;
    std::vector<std::size_t> lost_;
    std::size_t name_width_ = 0;
};

// Lines at the bottom of a terminal, redrawn in place by one write(2) each time: nothing flickers. Resize-safe: the size is asked for
// each time, and where the terminal has become narrower than what stands there, the screen is begun anew.
class Screen {
public:
    explicit Screen(int fd) : fd_(fd) {}
    struct Size {
        std::size_t columns = 80, rows = 24;
    };
    [[nodiscard]] Size size() const;
    // Puts the lines in place of those that were drawn last, and `above` over them, for good.
    void draw(const std::vector<std::string>& lines, const std::string& above = "");

private:
    int fd_;
    std::size_t drawn_ = 0, widest_ = 0;
};

class Live : public Follower {
public:
    // Both outlive it. `fd`: a terminal.
    Live(const Experiment& experiment, int fd, bool colour);
    ~Live() override;  // leaves what was drawn last
    void seen(const Event& event) override;
    void tick(Time now, const std::vector<Acting>& acting) override;
    void line(const std::string& text) override;

private:
    [[nodiscard]] std::vector<std::string> now() const;

    Picture picture_;
    Screen screen_;
    bool colour_;
    Time last_{0};
    std::chrono::steady_clock::time_point look_again_{};
};

// Off a terminal: lines of progress and nothing else.
class Plain : public Follower {
public:
    void seen(const Event&) override {}
    void tick(Time, const std::vector<Acting>&) override {}
    void line(const std::string& text) override;
};

// --quiet
class Silent : public Follower {
public:
    void seen(const Event&) override {}
    void tick(Time, const std::vector<Acting>&) override {}
    void line(const std::string&) override {}
};

}  // namespace blackstart
