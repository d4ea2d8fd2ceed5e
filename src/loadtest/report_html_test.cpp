#include <gtest/gtest.h>

#include <limits>

#include "loadtest/report.hpp"
#include "loadtest/svg_chart.hpp"

namespace carillon::loadtest {
namespace {

std::size_t count(const std::string& text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
}

TEST(SvgChart, DrawsEachSeriesAndBreaksTheLineAtAGap) {
    constexpr double kGap = std::numeric_limits<double>::quiet_NaN();
    Chart chart{"Rate <x>", "a second", Chart::Axis::time, false, {1, 2, 3, 4, 5}, {}};
    chart.series.push_back({"one", {1, 2, kGap, 4, 5}, true});
    chart.series.push_back({"two", {5, 4, 3, 2, 1}, false});
    const auto svg = svg_figure(chart);
    EXPECT_EQ(count(svg, "<polyline class=\"line s1\""), 2U);
    EXPECT_EQ(count(svg, "<polyline class=\"line s2\""), 1U);
    EXPECT_EQ(count(svg, "class=\"key"), 2U);
    EXPECT_NE(svg.find("Rate &lt;x&gt;"), std::string::npos);
    EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(SvgChart, SurvivesNothingAndOneValueAndZeroes) {
    for (const bool logarithmic : {false, true}) {
        for (const auto axis : {Chart::Axis::time, Chart::Axis::percentile}) {
            Chart chart{"x", "ms", axis, logarithmic, {}, {}};
            EXPECT_NE(svg_figure(chart).find("</svg>"), std::string::npos);
            chart.at = {0.5};
            chart.series.push_back({"one", {0}, true});
            const auto one = svg_figure(chart);
            EXPECT_EQ(one.find("nan"), std::string::npos) << one;
            EXPECT_EQ(one.find("inf"), std::string::npos) << one;
        }
    }
}

TEST(SvgChart, NumbersAreForPeople) {
    EXPECT_EQ(friendly(0), "0");
    EXPECT_EQ(friendly(0.1234), "0.123");
    EXPECT_EQ(friendly(1.5), "1.5");
    EXPECT_EQ(friendly(99.96), "100");
    EXPECT_EQ(friendly(123.4), "123");
    EXPECT_EQ(friendly(15'000), "15,000");
    EXPECT_EQ(friendly(1'234'567), "1,234,567");
    EXPECT_EQ(friendly(-1'500), "-1,500");
}

TEST(ReportHtml, EscapesWhatServersAndUsersSay) {
    Plan plan;
    plan.urls = {"http://127.0.0.1/<script>"};
    Result result;
    result.clients = 1;
    result.connections.failures["<img src=x onerror=alert(1)>"] = 1;
    const auto verdict = judge(plan, result);
    const auto html = report_html({plan, result, verdict, {"\"CPU\" & co", 2, 1, "Linux"}});
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_EQ(html.find("<img"), std::string::npos);
    EXPECT_NE(html.find("&lt;img src=x"), std::string::npos);
    EXPECT_NE(html.find("&quot;CPU&quot; &amp; co"), std::string::npos);
    EXPECT_NE(html.find("class=\"verdict failed\""), std::string::npos);
}

}  // namespace
}  // namespace carillon::loadtest
