// An experiment while it is read: each table keeps its keys, so that a look across tables can say where.
#pragma once

#include <deque>
#include <set>
#include <string>

#include "experiments/experiment.h"
#include "experiments/parse/complaints.h"
#include "experiments/parse/keys.h"

namespace blackstart {

// A table that was understood so far that its keys could be read. Its keys are bound to `value`: it does not move.
template <class T> struct Drafted {
    T value;
    Keys keys;
    Place place;
};

// A whole experiment's names by kind, those of tables that could not be read included: an error is told once.
struct Names {
    std::set<std::string> targets, faults, probes, meters, hosts, services;
};

struct Draft {
    Drafted<Experiment> head;  // [experiment]: name, title, baseline, duration, seed
    std::deque<Drafted<TargetSpec>> target_tables;
    std::deque<Drafted<PlannedFault>> faults;
    std::deque<Drafted<Probe>> probes;
    std::deque<Drafted<Expectation>> expectations;
    std::deque<Drafted<PlannedMeter>> meters;
    std::deque<Drafted<Guard>> guards;
    bool has_lab = false;
    Drafted<LabPlan> lab;
    std::deque<Drafted<Service>> services;
    Names names;
};

// Each reads its part of the document into the draft.
void read_head(const Datum& document, Draft& draft, Complaints& complaints);
void read_targets(const Datum& targets, Draft& draft, Complaints& complaints);
void read_fault(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints);
void read_probe(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints);
void read_expectation(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints);
void read_guard(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints);
void read_meter(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints);
void read_lab(const Datum& lab, Draft& draft, Complaints& complaints);

// Looks across tables: references, times, contradictions; then what is right but will prove nothing.
void check_references(const Draft& draft, Complaints& complaints);
void check_times(const Draft& draft, Complaints& complaints);
void check_dns_rules(const Draft& draft, Complaints& complaints);
void check_health_rules(const Draft& draft, Complaints& complaints);
void check_lab(const Draft& draft, Complaints& complaints);
void warn_of_scarcity(const Draft& draft, Complaints& complaints);

// Calls `read` with each table of an array of tables ([[NAME]]), numbered from 1.
template <class Read> void each_table(const Datum& datum, const std::string& name, Complaints& complaints, Read read) {
    if (datum.type != Datum::Type::list) {
        complaints.error(datum.place, "expected [[" + name + "]], an array of tables, not " + described(datum));
        return;
    }
    std::size_t number = 0;
    for (const auto& table : datum.list) {
        ++number;
        if (table.type == Datum::Type::table)
            read(table, number);
        else
            complaints.error(table.place, name + " " + std::to_string(number) + ": expected a table, not " + described(table));
    }
}

// Takes a name, once: the second time is an error.
void take_name(std::set<std::string>& taken, const std::string& name, const std::string& noun, const Place& place, Complaints& complaints);

// The text of a key, if it has one; "".
std::string text_of(const Datum& table, std::string_view key);
// Where a key's value is, or the table if it is absent.
Place place_of(const Keys& keys, std::string_view key, const Place& otherwise);

}  // namespace blackstart
