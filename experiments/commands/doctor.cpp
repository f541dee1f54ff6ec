#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "experiments/commands/commands.h"
#include "injector/fault.h"
#include "injector/injection.h"
#include "injector/kernel/features.h"
#include "injector/kernel/remains.h"
#include "injector/registry.h"
#include "injector/resolver_path.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

struct KindRow {
    std::string kind;
    std::optional<Refusal> refusal;
    std::string way;  // if there is none
};

template <std::size_t... Index> std::vector<KindRow> ask_kinds(std::index_sequence<Index...>) {
    const Fault one_of_each[] = {std::variant_alternative_t<Index, Fault>{}...};
    std::vector<KindRow> rows;
    for (const auto& fault : one_of_each) {
        KindRow row{kind(fault), unsupported(fault), {}};
        if (!row.refusal) row.way = way(fault);
        rows.push_back(std::move(row));
    }
    return rows;
}

struct Findings {
    std::vector<KindRow> kinds = ask_kinds(std::make_index_sequence<std::variant_size_v<Fault>>());
    std::vector<Feature> features = blackstart::features();
    std::vector<std::string> names = resolver_path();
    std::vector<std::string> left;

    // What every fault needs, whatever the kernel can do: a place for its state, and to know what it has to spare.
    [[nodiscard]] std::vector<std::string> lacking() const {
        std::vector<std::string> missing;
        for (const auto& one : features)
            if (!one.there && (one.name == "state" || one.name == "sock_diag")) missing.push_back(one.name);
        return missing;
    }
    [[nodiscard]] bool fit() const {
        return lacking().empty() && std::ranges::none_of(kinds, [](const KindRow& row) { return row.refusal.has_value(); });
    }
};

std::vector<std::string> look_for_leftovers() {
    Living living;
    for (const auto& process : live_processes()) {
        living.pids.insert(process.pid);
        for (const auto& fault : process.faults) living.netns_inodes.insert(fault.netns_inode);
    }
    return ownerless(living, std::chrono::milliseconds(500));
}

// What one wants to know first, in a line; then what is missing, last in its table.
void tell_summary(const Findings& found) {
    std::vector<std::string> cannot;
    for (const auto& row : found.kinds)
        if (row.refusal) cannot.push_back(row.kind);
    if (!cannot.empty())
        fmt::print("NOT FIT for {}: each names its fix below\n", fmt::join(cannot, ", "));
    else if (const auto lacking = found.lacking(); !lacking.empty())
        fmt::print("NOT FIT for any fault, for want of {}: each names its fix below\n", fmt::join(lacking, ", "));
    else
        fmt::print("fit: all {} kinds of faults can be injected here\n", found.kinds.size());
    if (!found.left.empty()) fmt::print("LEFT BEHIND by a process that is gone: run `blackstart restore`\n");
}

void tell(const Findings& found) {
    tell_summary(found);
    fmt::print("faults\n");
    for (const auto& [kind, refusal, way] : found.kinds) {
        fmt::print("  {:16} {:4} {}\n", kind, refusal ? "no" : "yes", refusal ? refusal->reason : "through " + way);
        if (refusal) fmt::print("  {:21} fix: {}\n", "", refusal->fix);
    }
    fmt::print("features\n");
    auto features = found.features;
    std::ranges::stable_sort(features, std::ranges::greater{}, &Feature::there);
    for (const auto& feature : features) {
        fmt::print("  {:16} {:4} {} (for {})\n", feature.name, feature.there ? "yes" : "no", feature.detail, feature.use);
        if (!feature.there) fmt::print("  {:21} fix: {}\n", "", feature.fix);
    }
    if (!found.names.empty()) fmt::print("names\n");
    for (const auto& note : found.names) fmt::print("  {}\n", note);
    fmt::print("left behind\n");
    if (found.left.empty())
        fmt::print("  nothing{}\n", ::geteuid() == 0 ? "" : " in the journal; programs and devices are for root to see");
    for (const auto& what : found.left) fmt::print("  {}\n", what);
    if (!found.left.empty()) fmt::print("  fix: blackstart restore\n");
}

void tell_json(const Findings& found) {
    Json all{{"format", "blackstart-doctor/1.0"}, {"fit", found.fit()}, {"faults", Json::array()}, {"features", Json::array()}};
    for (const auto& [kind, refusal, way] : found.kinds) {
        Json row{{"kind", kind}, {"can", !refusal}};
        if (!refusal) row["way"] = way;
        if (refusal) row.update({{"reason", refusal->reason}, {"fix", refusal->fix}});
        all["faults"].push_back(row);
    }
    for (const auto& feature : found.features) {
        Json row{{"name", feature.name}, {"there", feature.there}, {"detail", feature.detail}, {"use", feature.use}};
        if (!feature.there) row["fix"] = feature.fix;
        all["features"].push_back(row);
    }
    all["names"] = found.names;
    all["left"] = found.left;
    std::cout << all.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace

int doctor(bool json) {
    Findings found;
    found.left = look_for_leftovers();
    json ? tell_json(found) : tell(found);
    return found.fit() ? 0 : 4;
}

}  // namespace blackstart
