#include "loadtest/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace carillon::loadtest {
namespace {

constexpr double kWidth = 640;
constexpr double kHeight = 232;
constexpr double kLeft = 52;
constexpr double kRight = 14;
constexpr double kTop = 12;
constexpr double kBottom = 26;
constexpr double kSmallest = 0.01;  ///< of a logarithmic axis
constexpr std::size_t kColours = 4;
constexpr std::size_t kHoverColumnsMax = 240;

/// 1, 2 or 5 times a power of ten, at least `value`.
double round_up(double value) {
    if (value <= 0) return 1;
    const double power = std::pow(10, std::floor(std::log10(value)));
    for (const double step : {1.0, 2.0, 5.0, 10.0}) {
        if (value <= step * power * 1.0000001) return step * power;
    }
    return 10 * power;
}

/// Where values and times are drawn.
class Scale {
 public:
    explicit Scale(const Chart& chart) : chart_{chart} {
        double least = 1e300;
        for (const auto& series : chart.series) {
            for (const double value : series.values) {
                if (!std::isfinite(value)) continue;
                most_ = std::max(most_, value);
                if (value > 0) least = std::min(least, value);
            }
        }
        if (chart.logarithmic) {
            low_ = std::pow(10, std::floor(std::log10(std::clamp(least, kSmallest, 1e6))));
            high_ = std::pow(10, std::ceil(std::log10(std::max(most_, low_ * 10) * 0.9999)));
        } else {
            step_ = round_up(most_ / 4);
            high_ = step_ * std::max(1.0, std::ceil(most_ / step_ * 0.9999));
        }
        if (!chart.at.empty()) {
            from_ = place(chart.at.front());
            to_ = std::max(place(chart.at.back()), from_ + 1e-9);
        }
        if (chart.axis == Chart::Axis::time) from_ = 0;
    }

    double x(double at) const { return kLeft + (place(at) - from_) / (to_ - from_) * (kWidth - kLeft - kRight); }
    double y(double value) const {
        const double share =
            chart_.logarithmic ? std::log10(std::max(value, low_) / low_) / std::log10(high_ / low_) : value / high_;
        return kHeight - kBottom - std::clamp(share, 0.0, 1.0) * (kHeight - kTop - kBottom);
    }
    std::vector<double> value_ticks() const {
        std::vector<double> ticks;
        if (chart_.logarithmic) {
            for (double tick = low_; tick <= high_ * 1.0001; tick *= 10) ticks.push_back(tick);
        } else {
            for (double tick = 0; tick <= high_ * 1.0001; tick += step_) ticks.push_back(tick);
        }
        return ticks;
    }
    std::vector<double> time_ticks() const {
        const double step = round_up(to_ / 6);
        std::vector<double> ticks;
        for (double tick = 0; tick <= to_ * 1.0001; tick += step) ticks.push_back(tick);
        return ticks;
    }
    double bottom() const { return kHeight - kBottom; }

 private:
    double place(double at) const {
        if (chart_.axis == Chart::Axis::time) return at;
        return -std::log10(std::max(1 - at, 1e-5));
    }

    const Chart& chart_;
    double most_ = 0;
    double low_ = 0;
    double high_ = 1;
    double step_ = 1;
    double from_ = 0;
    double to_ = 1;
};

std::string percentile_name(double share) {
    return fmt::format("p{:g}", share * 100);
}

void draw_axes(std::string& svg, const Chart& chart, const Scale& scale) {
    for (const double tick : scale.value_ticks()) {
        const double y = scale.y(tick);
        svg += fmt::format(R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft, kWidth - kRight, y,
                           y);
        svg += fmt::format(R"(<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8, y + 3.5,
                           friendly(tick));
    }
    const auto label = [&](double at, const std::string& text) {
        svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", scale.x(at),
                           kHeight - 8, text);
    };
    if (chart.axis == Chart::Axis::percentile) {
        for (const double share : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
            if (share >= chart.at.front() && share <= chart.at.back()) label(share, percentile_name(share));
        }
    } else {
        for (const double tick : scale.time_ticks()) label(tick, friendly(tick) + " s");
    }
}

/// The pieces of a line between its gaps.
void draw_series(std::string& svg, const Chart& chart, const Scale& scale, std::size_t index) {
    const Series& series = chart.series[index];
    const std::size_t count = std::min(series.values.size(), chart.at.size());
    const auto colour = index % kColours + 1;
    for (std::size_t i = 0; i < count;) {
        if (!std::isfinite(series.values[i])) {
            ++i;
            continue;
        }
        std::string points;
        const std::size_t first = i;
        for (; i < count && std::isfinite(series.values[i]); ++i) {
            points += fmt::format("{:.1f},{:.1f} ", scale.x(chart.at[i]), scale.y(series.values[i]));
        }
        if (series.filled) {
            svg +=
                fmt::format(R"(<polygon class="area s{}" points="{:.1f},{:.1f} {}{:.1f},{:.1f}"/>)", colour,
                            scale.x(chart.at[first]), scale.bottom(), points, scale.x(chart.at[i - 1]), scale.bottom());
        }
        if (i - first == 1) {
            svg += fmt::format(R"(<circle class="dot s{}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>)", colour,
                               scale.x(chart.at[first]), scale.y(series.values[first]));
        }
        svg += fmt::format(R"(<polyline class="line s{}" points="{}"/>)", colour, points);
    }
}

/// Columns that show their values as a tooltip.
void draw_hover(std::string& svg, const Chart& chart, const Scale& scale) {
    const std::size_t every = chart.at.size() / kHoverColumnsMax + 1;
    for (std::size_t i = 0; i < chart.at.size(); i += every) {
        const double left = i == 0 ? kLeft : (scale.x(chart.at[i - std::min(i, every)]) + scale.x(chart.at[i])) / 2;
        const std::size_t next = std::min(i + every, chart.at.size() - 1);
        const double right = next == i ? kWidth - kRight : (scale.x(chart.at[i]) + scale.x(chart.at[next])) / 2;
        std::string text =
            chart.axis == Chart::Axis::time ? friendly(chart.at[i]) + " s" : percentile_name(chart.at[i]);
        for (const auto& series : chart.series) {
            if (i >= series.values.size() || !std::isfinite(series.values[i])) continue;
            text += "\n" + series.name + ": " + friendly(series.values[i]) + " " + chart.unit;
        }
        svg += fmt::format(
            R"(<g class="hover"><rect x="{:.1f}" y="{}" width="{:.1f}" height="{}"/><line x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/><title>{}</title></g>)",
            left, kTop, std::max(right - left, 0.5), kHeight - kTop - kBottom, scale.x(chart.at[i]),
            scale.x(chart.at[i]), kTop, kHeight - kBottom, escape_html(text));
    }
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string friendly(double value) {
    if (!std::isfinite(value)) return "–";
    if (std::abs(value) < 100) {
        const double size = std::abs(value);
        std::string text = fmt::format("{:.{}f}", value, size < 1 ? 3 : size < 10 ? 2 : 1);
        if (text.find('.') != std::string::npos) {
            text.erase(text.find_last_not_of('0') + 1);
            if (text.ends_with('.')) text.pop_back();
        }
        return text;
    }
    std::string digits = fmt::format("{:.0f}", value);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3) {
        digits.insert(static_cast<std::size_t>(at), ",");
    }
    return digits;
}

std::string svg_figure(const Chart& chart) {
    std::string out = "<figure><figcaption><span>" + escape_html(chart.title) + "</span><span class=\"unit\">" +
                      escape_html(chart.unit) + "</span>";
    if (chart.series.size() > 1) {
        out += "<span class=\"legend\">";
        for (std::size_t i = 0; i < chart.series.size(); ++i) {
            out += fmt::format(R"(<span><i class="key s{}"></i>{}</span>)", i % kColours + 1,
                               escape_html(chart.series[i].name));
        }
        out += "</span>";
    }
    out += "</figcaption>";
    const Scale scale{chart};
    out += fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", kWidth, kHeight,
                       escape_html(chart.title));
    if (!chart.at.empty()) {
        draw_axes(out, chart, scale);
        for (std::size_t i = chart.series.size(); i-- > 0;) draw_series(out, chart, scale, i);
        draw_hover(out, chart, scale);
    }
    out += "</svg></figure>\n";
    return out;
}

}  // namespace carillon::loadtest
