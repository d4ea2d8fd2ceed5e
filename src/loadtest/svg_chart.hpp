#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carillon::loadtest {

/// One line of a chart. Values that are not finite leave a gap.
struct Series {
    std::string name;
    std::vector<double> values;  ///< one for each of the chart's `at`
    bool filled = false;
};

/// Lines over a common axis.
struct Chart {
    enum class Axis : std::uint8_t {
        time,        ///< `at` is seconds
        percentile,  ///< `at` is a share from 0 to 1; drawn by how rare what lies above is
    };
    std::string title;
    std::string unit;
    Axis axis = Axis::time;
    bool logarithmic = false;  ///< values from 0.01 up
    std::vector<double> at;
    std::vector<Series> series;
};

/// A `<figure>` with the title, a legend when there is more than one series, and the SVG. Colours come from the page's
/// CSS variables `--series-1` to `--series-4`; pointing at a column shows its values.
std::string svg_figure(const Chart& chart);

std::string escape_html(std::string_view text);

/// A number for people: three digits that matter, thousands apart.
std::string friendly(double value);

}  // namespace carillon::loadtest
