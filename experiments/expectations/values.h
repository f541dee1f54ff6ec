// The values of observations, as conditions read them. A value condition says nothing when over 5% of the observations,
// missing ones included, have no value that it can read: no reply is neither empty, nor a change, nor a number.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/expectations/windows.h"

namespace blackstart {

// A generation: a number, a text that is one, or a set of one such text. nullopt for anything else.
std::optional<double> number(const Value& value);
// An amount: a number, a text that is one, or how many members a set has. nullopt for anything else.
std::optional<double> amount(const Value& value);
// How many have gone from one value to the next: the members of a set that are no longer in it, or by how much an amount fell.
double removed(const Value& from, const Value& to);

struct Number {
    const Sample* sample = nullptr;
    double value = 0;
};
using Reader = std::optional<double>(const Value&);
// The observations whose value can be read, in their order.
std::vector<Number> numbers(const Evidence& evidence, Reader& read);

// Observations with values, as they follow one another: by their starts. Of two that overlap (one began before the other's reply was
// there) nobody can say which value is the older, so no change is made of their order: those that repeat the value before come
// first, then the others by their replies. Linear where few overlap.
std::vector<const Sample*> in_order(const std::vector<const Sample*>& with_values);

// Why nothing is held on evidence of which `with` observations have a value that can be read; "" if it may be.
std::string doubt(const Evidence& evidence, std::size_t with);

// Of at least one; of an even number the mean of the middle two.
double median(const std::vector<Number>& numbers);

// For people: "7", "10.0.0.1, 10.0.0.2", "nothing" for what is empty; cut after some sixty characters.
std::string value_text(const Value& value);
// "3", "2.5"
std::string number_text(double value);

}  // namespace blackstart
