#include "loadtest/plan.hpp"

#include <array>
#include <utility>

namespace carillon::loadtest {
namespace {

constexpr std::array<std::pair<Scenario, std::string_view>, 6> kNames{{
    {Scenario::connect, "connect"},
    {Scenario::push, "push"},
    {Scenario::read, "read"},
    {Scenario::churn, "churn"},
    {Scenario::mixed, "mixed"},
    {Scenario::storm, "storm"},
}};

}  // namespace

std::string_view to_string(Scenario scenario) {
    for (const auto& [value, name] : kNames) {
        if (value == scenario) return name;
    }
    return "unknown";
}

std::optional<Scenario> parse_scenario(std::string_view name) {
    for (const auto& [value, known] : kNames) {
        if (known == name) return value;
    }
    return std::nullopt;
}

}  // namespace carillon::loadtest
