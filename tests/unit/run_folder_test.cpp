#include "experiments/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "experiments/report/json.h"
#include "injector/kernel/error.h"
#include "tests/unit/story.h"

namespace blackstart {
namespace {

using testing::HasSubstr;

// As the Story is: none of what it names exists here.
const char* const toml = R"([experiment]
name     = "checks-lie"
baseline = "5s"
duration = "20s"

[target.web]
netns = "no-such-netns"

[[fault]]
name   = "lie"
kind   = "health"
target = "web"
at     = "2s"
for    = "10s"
port   = 8080
path   = "/healthz"
result = 503

[[probe]]
name  = "customers"
kind  = "exec"
run   = ["no-such-program"]
every = "100ms"

[[expect]]
probe   = "customers"
during  = "fault"
success = ">= 90%"
)";

class RunFolder : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "run.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    void write(const char* name, const std::string& text) const { std::ofstream(folder / name, std::ios::binary) << text; }
    [[nodiscard]] std::string read(const char* name) const {
        std::ifstream in(folder / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void record(const History& history) const {
        std::filesystem::remove(folder / history_file);
        Recorder recorder(folder / history_file, history);
        for (const Event& event : history.events) recorder.record(event);
    }
    [[nodiscard]] std::string refusal() const {
        try {
            judge_folder(folder);
        } catch (const Misuse& misuse) {
            return misuse.what();
        }
        return "";
    }
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
        return names;
    }

    std::filesystem::path folder;
};

TEST_F(RunFolder, IsJudgedLikeTheRunItself) {
    Story story;
    story.expect(SuccessLimit{at_least(0.9, ">= 90%")}, "fault");
    write(experiment_file, toml);
    for (const double failing : {0.0, 0.8, 3.0}) {
        story.fail(3, 3 + failing);
        record(story.history);
        const auto judged = judge_folder(folder);
        EXPECT_EQ(to_json(judged.experiment, judged.verdict), to_json(story.experiment, story.verdict()));
        EXPECT_EQ(judged.verdict.exit_code, failing == 3 ? 1 : failing == 0.8 ? 3 : 0) << judged.verdict.reason;
    }
}

TEST_F(RunFolder, KeepsItsVerdictWholeOrNotAtAll) {
    EXPECT_EQ(write_verdict(folder, "one\n"), "");
    EXPECT_EQ(write_verdict(folder, "two\n"), "");
    EXPECT_EQ(read(verdict_file), "two\n");
    EXPECT_THAT(files(), testing::ElementsAre(verdict_file));
    EXPECT_NE(write_verdict(folder / "nowhere", "three\n"), "");
}

TEST_F(RunFolder, AVerdictThatIsALinkIsReplacedAndNotFollowed) {
    write("precious", "mine");
    std::filesystem::create_symlink("precious", folder / verdict_file);
    EXPECT_EQ(write_verdict(folder, "one\n"), "");
    EXPECT_EQ(read("precious"), "mine");
    EXPECT_EQ(read(verdict_file), "one\n");
}

TEST_F(RunFolder, MissingOrForeignFilesAreRefused) {
    EXPECT_THAT(refusal(), HasSubstr("experiment.toml"));
    write(experiment_file, toml);
    EXPECT_THAT(refusal(), HasSubstr("history.ndjson"));
    Story other;
    other.history.experiment = "something-else";
    record(other.history);
    EXPECT_THAT(refusal(), HasSubstr("something-else"));
    write(experiment_file, "[experiment]\nname = 7\n");
    EXPECT_THAT(refusal(), HasSubstr("experiment.toml:2:"));
}

TEST_F(RunFolder, AHundredThousandObservationsAreJudgedAtOnce) {
    Story story;
    for (int probe = 0; probe < 400; probe++) {
        const std::string name = "p" + std::to_string(probe);
        story.observe(name, -5, 20);
    }
    ASSERT_GT(story.history.events.size(), 100'000U);
    write(experiment_file, toml);
    const auto start = std::chrono::steady_clock::now();
    record(story.history);
    const auto recorded = std::chrono::steady_clock::now();
    EXPECT_EQ(judge_folder(folder).verdict.exit_code, 0);
    const auto judged = std::chrono::steady_clock::now();
    const auto ms = [](auto time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); };
    RecordProperty("record_ms", static_cast<int>(ms(recorded - start)));
    RecordProperty("judge_ms", static_cast<int>(ms(judged - recorded)));
    std::cout << "recorded in " << ms(recorded - start) << " ms, read and judged in " << ms(judged - recorded) << " ms\n";
    EXPECT_LT(ms(judged - recorded), 40000);  // well under 2 s; room for sanitizers on a busy machine
}

}  // namespace
}  // namespace blackstart
