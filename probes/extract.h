// Inside probes/: values taken out of replies.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "probes/http.h"
#include "probes/observation.h"

namespace blackstart {

// Throws Misuse, with what is wrong, for a pointer or a regex that is none.
class Extractor {
public:
    explicit Extractor(const Extract& extract);
    ~Extractor();
    Extractor(Extractor&&) noexcept;
    Extractor& operator=(Extractor&&) noexcept;

    // Nothing where the text holds no such value. By JSON: a number is one, a text is its text (never read as a number), an
    // array is the set of its elements, an object or a truth value is its JSON text, null is nothing. By regex: a number if it
    // reads as one. A regex is tried on each line, of which the first 4 KiB count: std::regex recurses for each character.
    [[nodiscard]] std::optional<Value> operator()(const std::string& text) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The text, or the number if the whole text (but for spaces around it) is one.
Value number_or_text(const std::string& text);

}  // namespace blackstart
