// What the parser says of a file, for tests: its complaints as "LINE:COLUMN: TEXT".
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "experiments/parse.h"

namespace blackstart {

inline std::vector<std::string> said(const std::vector<Diagnostic>& diagnostics) {
    std::vector<std::string> lines;
    for (const auto& d : diagnostics) lines.push_back(std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.text);
    return lines;
}

// Four lines that are right, so that what follows begins at line 5.
inline std::string after_head(const std::string& rest) { return "[experiment]\nname = \"x\"\nduration = \"30s\"\n\n" + rest; }
inline std::vector<std::string> errors(const std::string& rest) { return said(parse(after_head(rest), "x.toml").errors); }
inline std::vector<std::string> warnings(const std::string& rest) {
    const auto parsed = parse(after_head(rest), "x.toml");
    EXPECT_THAT(said(parsed.errors), testing::IsEmpty());
    return said(parsed.warnings);
}

inline Experiment experiment(const std::string& rest) {
    const auto parsed = parse(after_head(rest), "x.toml");
    EXPECT_THAT(said(parsed.errors), testing::IsEmpty());
    return parsed.experiment;
}

inline const std::string fault = "[[fault]]\nname = \"f\"\nkind = \"dns\"\nfor = \"10s\"\n";  // lines 5 to 8; needs names and answer
inline const std::string probe = "[[probe]]\nname = \"p\"\nkind = \"tcp\"\naddress = \"10.0.0.1:80\"\n";

}  // namespace blackstart
