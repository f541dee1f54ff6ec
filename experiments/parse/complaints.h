// What was found wrong while reading, all of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "experiments/parse/datum.h"

namespace blackstart {

struct Complaint {
    Place place;
    std::string text;
};

class Complaints {
public:
    void error(const Place& place, const std::string& text) { errors.push_back({place, prefixed(text)}); }
    void warning(const Place& place, const std::string& text) { warnings.push_back({place, prefixed(text)}); }

    std::vector<Complaint> errors, warnings;

    // While it lives, complaints begin with "NAME: "; one in another with "OUTER.INNER: ".
    class About {
    public:
        About(Complaints& complaints, std::string_view name) : complaints_(complaints), outer_(complaints.about_) {
            complaints.about_ = outer_.empty() ? std::string(name) : outer_ + "." + std::string(name);
        }
        ~About() { complaints_.about_ = outer_; }
        About(const About&) = delete;
        About& operator=(const About&) = delete;

    private:
        Complaints& complaints_;
        std::string outer_;
    };

private:
    [[nodiscard]] std::string prefixed(const std::string& text) const { return about_.empty() ? text : about_ + ": " + text; }
    std::string about_;
};

}  // namespace blackstart
