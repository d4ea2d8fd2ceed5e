#include "loadtest/report_page.hpp"

namespace carillon::loadtest {

// The colours are those of the demo page: verdigris and brass.
const std::string_view kReportStyle = R"css(
:root {
  color-scheme: light dark;
  --ground: #f1f5f2; --surface: #fff; --line: #d5dfd9; --ink: #0f211c; --soft: #4a5c55;
  --series-1: #0f6b5c; --series-2: #b5790a; --series-3: #c4351a; --series-4: #4a63c9;
  --good: #12805a; --good-soft: #dcf0e9; --bad: #c4351a; --bad-soft: #fbe9e4; --odd: #7d5400; --odd-soft: #f7ecd2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0c1a17; --surface: #122420; --line: #24403a; --ink: #eaf2ee; --soft: #9fb8af;
    --series-1: #52cdb0; --series-2: #eebd58; --series-3: #ff8569; --series-4: #9db0ff;
    --good: #4fd39a; --good-soft: #1a3d35; --bad: #ff8569; --bad-soft: #3a1a12; --odd: #e9b955; --odd-soft: #37290c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 40px 24px 64px; }
header { display: grid; gap: 6px; margin-bottom: 28px; }
h1 { margin: 0; font-size: clamp(1.6rem, 1.1rem + 1.8vw, 2.3rem); line-height: 1.15; letter-spacing: -0.02em; }
h2 { margin: 40px 0 12px; font-size: 1.15rem; letter-spacing: -0.01em; }
header p { margin: 0; color: var(--soft); }
.verdict { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 12px; margin-top: 10px; padding: 12px 16px; border-radius: 10px; }
.verdict b { text-transform: uppercase; letter-spacing: 0.06em; font-size: 0.85rem; }
.passed { background: var(--good-soft); } .passed b { color: var(--good); }
.failed { background: var(--bad-soft); } .failed b { color: var(--bad); }
.void, .interrupted { background: var(--odd-soft); } .void b, .interrupted b { color: var(--odd); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); gap: 12px; margin: 0; }
.tiles div { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.tiles dt { color: var(--soft); font-size: 0.8rem; }
.tiles dd { margin: 2px 0 0; font-size: 1.6rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.tiles dd small { font-size: 0.9rem; font-weight: 500; color: var(--soft); letter-spacing: 0; }
.tiles p { margin: 4px 0 0; color: var(--soft); font-size: 0.8rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; }
figure { margin: 0; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 14px 14px 8px; min-width: 0; }
figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; font-weight: 600; font-size: 0.95rem; }
.unit { color: var(--soft); font-weight: 400; font-size: 0.8rem; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin-left: auto; font-weight: 400; font-size: 0.8rem; color: var(--soft); }
.key { display: inline-block; width: 12px; height: 3px; margin-right: 6px; border-radius: 2px; vertical-align: 3px; }
.key.s1 { background: var(--series-1); } .key.s2 { background: var(--series-2); }
.key.s3 { background: var(--series-3); } .key.s4 { background: var(--series-4); }
svg { display: block; width: 100%; height: auto; margin-top: 6px; overflow: visible; }
.grid { stroke: var(--line); stroke-width: 1; }
.tick { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.line.s1 { stroke: var(--series-1); } .line.s2 { stroke: var(--series-2); }
.line.s3 { stroke: var(--series-3); } .line.s4 { stroke: var(--series-4); }
.area { opacity: 0.13; } .area.s1, .dot.s1 { fill: var(--series-1); } .area.s2, .dot.s2 { fill: var(--series-2); }
.area.s3, .dot.s3 { fill: var(--series-3); } .area.s4, .dot.s4 { fill: var(--series-4); }
.hover rect { fill: transparent; } .hover line { stroke: var(--soft); stroke-dasharray: 2 3; visibility: hidden; }
.hover:hover line { visibility: visible; }
.wide { overflow-x: auto; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 16px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
th { color: var(--soft); font-weight: 500; }
th:first-child, td:first-child { text-align: left; }
td.text { text-align: left; }
td.missed { color: var(--bad); font-weight: 650; } td.met { color: var(--good); }
footer { margin-top: 40px; color: var(--soft); font-size: 0.85rem; }
@media print { body { background: #fff; } figure, .tiles div, .wide { break-inside: avoid; } }
)css";

}  // namespace carillon::loadtest
