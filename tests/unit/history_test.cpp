#include "experiments/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <limits>

#include "injector/kernel/error.h"

namespace blackstart {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class HistoryFile : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "history.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        file = folder / "history.ndjson";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    void write(const std::string& text) const { std::ofstream(file, std::ios::binary) << text; }
    [[nodiscard]] std::string read() const {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    [[nodiscard]] std::string refusal() const {
        try {
            read_history(file);
        } catch (const Misuse& misuse) {
            return misuse.what();
        }
        return "";
    }

    std::filesystem::path folder, file;
};

const History head{.experiment = "checks-lie",
                   .seed = 18446744073709551615ULL,
                   .origin = "2026-11-23T06:31:09.123456789Z",
                   .version = "0.1.0",
                   .file = "drills/checks-lie.toml",
                   .events = {}};
const std::string first_line =
    R"({"format":"blackstart-history/1.1","version":"0.1.0","experiment":"checks-lie","seed":18446744073709551615,)"
    R"("origin":"2026-11-23T06:31:09.123456789Z","file":"drills/checks-lie.toml"})"
    "\n";

std::vector<Event> one_of_each() {
    return {
        {Time(-5), event::Started{}},
        {milliseconds(1), event::Observed{"dns", true, "", milliseconds(2), std::vector<std::string>{"10.0.0.1", "10.0.0.2"}}},
        {milliseconds(2), event::Observed{"dns", false, "nxdomain", milliseconds(2), std::vector<std::string>{}}},
        {milliseconds(3), event::Observed{"pool", true, "", milliseconds(2), 0.1}},
        {milliseconds(3), event::Observed{"pool", true, "", milliseconds(2), std::string("three \"\\\n\t of ü")}},
        {milliseconds(3), event::Observed{"pool", false, "timeout", milliseconds(1000), std::nullopt}},
        {milliseconds(4), event::T0{}},
        {milliseconds(5), event::Armed{"lie", "web", "tcx"}},
        {milliseconds(6), event::Disarmed{"lie", "web", {10, 9, 1, 2, true}, std::uint64_t{4}}},
        {milliseconds(6), event::Disarmed{"lie", "web2", {}, std::nullopt}},
        {milliseconds(6), event::Lost{"lie", "web3", "the target went away"}},
        {milliseconds(7), event::Counted{"checks", 12, std::chrono::seconds(1)}},
        {milliseconds(7), event::Service{"haproxy", "exited 1"}},
        {milliseconds(8), event::Tripped{"dns", "success < 50%"}},
        {milliseconds(8), event::Unsteady{"dns failed"}},
        {milliseconds(8), event::Interrupted{15}},
        {milliseconds(9), event::Restored{false, {"bsd0", "lie"}}},
        {milliseconds(9), event::Ended{}},
    };
}

TEST_F(HistoryFile, ReadsBackWhatWasRecorded) {
    {
        Recorder recorder(file, head);
        for (const Event& event : one_of_each()) recorder.record(event);
        EXPECT_EQ(recorder.failure(), "");
    }
    const std::string text = read();
    EXPECT_EQ(text.substr(0, first_line.size()), first_line);
    const History history = read_history(file);
    EXPECT_EQ(history.seed, head.seed);
    EXPECT_EQ(history.origin, head.origin);
    EXPECT_EQ(history.experiment, head.experiment);
    EXPECT_EQ(history.version, head.version);
    ASSERT_EQ(history.events.size(), one_of_each().size());

    const auto again = folder / "again.ndjson";
    {
        Recorder recorder(again, history);
        for (const Event& event : history.events) recorder.record(event);
    }
    std::ifstream in(again, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
}

TEST_F(HistoryFile, KeysHaveAFixedOrder) {
    {
        Recorder recorder(file, head);
        recorder.record({milliseconds(3), event::Observed{"pool", false, "status 503", milliseconds(2), 2.0}});
        recorder.record({milliseconds(6), event::Disarmed{"lie", "web", {10, 9, 1, 2, false}, std::uint64_t{4}}});
    }
    EXPECT_EQ(read(), first_line +
                          R"({"t":3000000,"event":"observation","probe":"pool","ok":false,"why":"status 503","latency":2000000,"value":2})"
                          "\n"
                          R"({"t":6000000,"event":"disarmed","fault":"lie","target":"web","matched":10,"hits":9,)"
                          R"("unseen":1,"dropped":2,"lapsed":false,"own_probe_hits":4})"
                          "\n");
}

TEST_F(HistoryFile, TextThatIsNotUtf8AndNumbersThatAreNotFiniteAreStillRead) {
    {
        Recorder recorder(file, head);
        recorder.record({Time(1), event::Observed{"p", false, "banner \xff\x01", Time(1), std::numeric_limits<double>::infinity()}});
    }
    const History history = read_history(file);
    const auto& seen = std::get<event::Observed>(history.events.at(0).kind);
    EXPECT_EQ(seen.why, "banner \xef\xbf\xbd\x01");
    EXPECT_EQ(std::get<std::string>(*seen.value), "inf");
}

TEST_F(HistoryFile, EventsOtherThanObservationsAreInTheFileAtOnce) {
    Recorder recorder(file, head);
    EXPECT_EQ(read(), first_line);
    recorder.record({Time(1), event::T0{}});
    EXPECT_THAT(read(), HasSubstr("\"t0\""));
    recorder.record({Time(2), event::Observed{"p", true, "", Time(1), std::nullopt}});
    recorder.flush();
    EXPECT_THAT(read(), HasSubstr("observation"));
}

TEST_F(HistoryFile, IsNeverWrittenOver) {
    write("precious");
    EXPECT_THROW(Recorder(file, head), Misuse);
    EXPECT_EQ(read(), "precious");
}

// A limit on the size of files stands in for the full disk. Exits 0 if it went as it should.
[[noreturn]] void record_on_a_full_disk(const std::filesystem::path& file) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{400, 400};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Recorder recorder(file, head);
    for (int i = 0; i < 10; i++) recorder.record({Time(i), event::Service{"haproxy", "restarted"}});
    const std::size_t events = read_history(file).events.size();
    ::_exit(recorder.failure().find("too large") != std::string::npos && events > 0 && events < 10 ? 0 : 1);
}

TEST_F(HistoryFile, AFullDiskIsRememberedAndNotThrown) { EXPECT_EXIT(record_on_a_full_disk(file), testing::ExitedWithCode(0), ""); }

TEST_F(HistoryFile, ALastLineThatWasCutShortIsDropped) {
    const std::string t0 = "{\"t\":1,\"event\":\"t0\"}\n";
    const std::string end = "{\"t\":2,\"event\":\"end\"}";
    for (std::size_t length = 0; length <= end.size(); length++) {
        write(first_line + t0 + end.substr(0, length));
        EXPECT_EQ(read_history(file).events.size(), length == end.size() ? 2U : 1U) << length;
    }
}

TEST_F(HistoryFile, WhatALaterMinorVersionAddsIsIgnored) {
    write(R"({"format":"blackstart-history/1.7","version":"9","experiment":"x","seed":1,"origin":"o","more":[]})"
          "\n{\"t\":1,\"event\":\"eclipse\",\"sun\":false}\n{\"t\":2,\"event\":\"t0\",\"more\":{}}\n");
    EXPECT_EQ(read_history(file).events.size(), 1U);
}

TEST_F(HistoryFile, WhatIsNotAHistoryIsRefusedWithItsLine) {
    EXPECT_THAT(refusal(), HasSubstr("no history"));  // no such file
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"", "no history"},
        {"{", ":1: not JSON"},
        {"{}\n", ":1: \"format\" is missing"},
        {"{\"format\":\"blackstart-history/2.0\"}\n", ":1: the format is"},
        {"{\"format\":\"blackstart-verdict/1.0\"}\n", ":1: the format is"},
        {first_line + "nonsense\n{}\n", ":2: not JSON"},
        {first_line + "[]\n", ":2: not a JSON object"},
        {first_line + "{\"t\":1}\n", ":2: \"event\" is missing"},
        {first_line + "{\"t\":1.5,\"event\":\"t0\"}\n", ":2: \"t\" is not a whole number"},
        {first_line + "{\"t\":9223372036854775807,\"event\":\"t0\"}\n", ":2: \"t\" is not a whole number"},
        {first_line + "{\"t\":18446744073709551615,\"event\":\"t0\"}\n", ":2: \"t\" is not a whole number"},
        {first_line + "{\"t\":1,\"event\":\"armed\",\"fault\":\"lie\",\"how\":\"tcx\"}\n", ":2: \"target\" is missing"},
        {first_line + "{\"t\":1,\"event\":\"interrupted\",\"signal\":0}\n", ":2: \"signal\" is not"},
        {first_line + "{\"t\":1,\"event\":\"observation\",\"probe\":\"p\",\"ok\":1,\"latency\":1}\n", ":2: \"ok\" is neither"},
        {first_line + "{\"t\":1,\"event\":\"observation\",\"probe\":\"p\",\"ok\":true,\"latency\":-1}\n", ":2: \"latency\" is not"},
        {first_line + "{\"t\":1,\"event\":\"observation\",\"probe\":\"p\",\"ok\":true,\"latency\":1,\"value\":[1]}\n", "holds something"},
        {first_line + "{\"t\":1,\"event\":\"observation\",\"probe\":\"p\",\"ok\":true,\"latency\":1,\"value\":{}}\n",
         "is neither a number"},
    };
    for (const auto& [text, reason] : bad) {
        write(text);
        EXPECT_THAT(refusal(), HasSubstr(reason)) << text;
    }
}

}  // namespace
}  // namespace blackstart
