#include <iostream>

#include "experiments/commands/commands.h"
#include "experiments/report/annotations.h"
#include "experiments/report/chaostoolkit.h"
#include "experiments/report/compare.h"
#include "experiments/report/html.h"
#include "experiments/report/junit.h"
#include "experiments/report/markdown.h"
#include "experiments/report/ndjson.h"
#include "experiments/report/otlp.h"
#include "experiments/report/prometheus.h"
#include "experiments/run_folder.h"
#include "experiments/runs.h"
#include "injector/kernel/error.h"

namespace blackstart {

const std::vector<ReportFormat>& report_formats() {
    static const std::vector<ReportFormat> all{
        {"html", "one page that works offline: verdict, timeline, events", to_html},
        {"junit", "JUnit XML: one testcase an expectation", to_junit},
        {"markdown", "for a pipeline's step summary", to_markdown},
        {"ndjson", "one line a fault, expectation and event", to_ndjson},
        {"github", "annotations at the experiment's lines (GitHub Actions)", to_github},
        {"gitlab", "Code Quality at the experiment's lines (GitLab)", to_gitlab},
        {"prometheus", "for node_exporter's textfile collector", to_prometheus},
        {"otlp", "a trace as OTLP/HTTP JSON", to_otlp},
        {"chaostoolkit", "a Chaos Toolkit journal", to_chaostoolkit},
    };
    return all;
}

int report_command(const std::string& run, const std::map<std::string, std::string>& files, const std::string& other) {
    if (files.empty() && other.empty())
        throw Misuse("blackstart report: nothing to write: name a format and a file, as --html report.html, or --compare OTHER");
    const JudgedRun judged = judge_folder(find_run(run));
    if (!other.empty()) std::cout << compare(judge_folder(find_run(other)), judged);
    for (const auto& format : report_formats()) {
        const auto file = files.find(format.name);
        if (file == files.end()) continue;
        const std::string text = format.write(judged);
        if (file->second == "-") {
            std::cout << text;
        } else if (const auto why = write_report(file->second, text); !why.empty()) {
            throw Misuse("cannot write " + file->second + ": " + why);
        }
    }
    std::cout << std::flush;
    return 0;
}

}  // namespace blackstart
