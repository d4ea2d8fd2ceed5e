#pragma once

#include <string_view>

namespace carillon::loadtest {

/// The style sheet of the HTML report.
extern const std::string_view kReportStyle;

}  // namespace carillon::loadtest
