#include "experiments/cli/manual.h"

#include "experiments/version.h"

namespace blackstart {
namespace {

// What roff would take for its own: a backslash, a hyphen that is a minus, a dot or quote that begins a line.
std::string roff(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n'))
            (out += "\\&") += c;
        else
            out += c;
    }
    return out;
}

std::string full_name(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::string options_of(const CLI::App& app) {
    std::string text;
    for (const auto* option : app.get_options()) {
        if (option->get_positional() || option->get_lnames().empty()) continue;
        text += ".TP\n\\fB\\-\\-" + roff(option->get_lnames().front()) + "\\fR";
        if (!option->get_type_name().empty()) text += " \\fI" + roff(option->get_type_name()) + "\\fR";
        text += "\n" + roff(option->get_description()) + "\n";
    }
    return text;
}

void add_command(const CLI::App& app, std::string& page) {
    std::string usage = full_name(app);
    for (const auto* option : app.get_options())
        if (option->get_positional()) usage += " " + option->get_type_name();
    page += ".SS " + roff(usage) + "\n" + roff(app.get_description()) + "\n.PP\nExample:\n.nf\n  " + roff(app.get_footer()) + "\n.fi\n" +
            options_of(app);
    for (const auto* sub : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); })) add_command(*sub, page);
}

constexpr const char* end = R"(.SH EXIT STATUS
.TP
\fB0\fR
held: every expectation was met, every fault was proved, the host is whole (inject: it hit something)
.TP
\fB1\fR
deviated: an expectation was not met
.TP
\fB2\fR
bad usage, or a bad experiment file; nothing was touched
.TP
\fB3\fR
inconclusive: no proof, the baseline not steady, too few samples, a guard tripped
.TP
\fB4\fR
this host cannot: the message names the fix
.TP
\fB5\fR
the host is not whole; overrides every other status
.TP
\fB130\fR, \fB143\fR
interrupted, and restored
.SH ENVIRONMENT
.TP
\fBNO_COLOR\fR
if it is set and not empty, nothing is coloured
.TP
\fBXDG_STATE_HOME\fR
where runs are kept of users that are not root: below blackstart/runs
.SH FILES
.TP
\fI/var/lib/blackstart/runs\fR
the runs of root, a folder each: experiment.toml, history.ndjson, verdict.json, logs
.TP
\fI/usr/share/blackstart/drills\fR
the shipped drills, a folder each with a README.md
.TP
\fI/usr/share/blackstart/pipelines\fR
a gate script, and examples for GitHub Actions and GitLab CI
.TP
\fI/run/blackstart\fR
what is injected now, and the journal of what has to be undone
.SH SEE ALSO
\fBblackstart.toml\fR(5), \fBblackstart\-drills\fR(7)
)";

}  // namespace

std::string command_manual(const CLI::App& root) {
    std::string page =
        ".TH BLACKSTART 1 \"\" \"blackstart " + roff(kVersion) + "\" \"User Commands\"\n.SH NAME\nblackstart \\- break DNS, " +
        "latency and health checks on purpose, and say whether the recovery held\n.SH SYNOPSIS\n\\fBblackstart\\fR " +
        "\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n" + roff(root.get_description()) +
        "\n.PP\nEvery fault lives in descriptors of one process: when that ends, however it does, the host is whole again.\n" +
        ".SH COMMANDS\n";
    for (const auto* sub : root.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); })) add_command(*sub, page);
    return page + end;
}

}  // namespace blackstart
