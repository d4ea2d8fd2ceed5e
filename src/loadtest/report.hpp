#pragma once

#include <string>
#include <string_view>

#include "loadtest/machine.hpp"
#include "loadtest/plan.hpp"
#include "loadtest/result.hpp"
#include "loadtest/verdict.hpp"

namespace carillon::loadtest {

/// Everything a report needs.
struct Report {
    const Plan& plan;
    const Result& result;
    const Verdict& verdict;
    Machine machine;
};

/// One line of progress, without its end.
std::string progress_line(const Sample& sample, const Plan& plan, const std::vector<std::string>& servers,
                          std::uint64_t lost);

/// The table at the end, for a terminal.
std::string report_text(const Report& report);

/// One JSON document; `"schema": "carillon-loadtest/1"`.
std::string report_json(const Report& report);

/// One HTML file that needs nothing else: charts as SVG, light and dark.
std::string report_html(const Report& report);

/// Per second of CPU that the server named first used in the phase; nullopt when none was watched.
std::optional<double> per_cpu_second(const Result& result, std::string_view phase, double amount);

}  // namespace carillon::loadtest
