#include "http/trace_context.hpp"

#include <cstdint>
#include <random>

#include "base/ids.hpp"

namespace carillon::http {
namespace {

constexpr std::size_t kTraceIdDigits = 32;
constexpr std::size_t kSpanIdDigits = 16;
constexpr std::size_t kTraceparentBytes = 55;

/// Ids must be unique, not secret: a generator that is seeded once per thread is enough, and costs no system call.
std::uint64_t random_number() {
    thread_local std::mt19937_64 generator = [] {
        std::uint64_t seed = 0;
        base::random_bytes(&seed, sizeof seed);
        return std::mt19937_64{seed};
    }();
    return generator();
}

void append_hex(std::string& out, std::uint64_t number) {
    for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(number >> shift) & 0xF]);
}

bool is_lower_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool all_zero(std::string_view text) {
    return text.find_first_not_of('0') == std::string_view::npos;
}

/// Version, trace id, parent id and flags, separated by '-'. A higher version may go on after another '-'.
bool is_traceparent(std::string_view text) {
    if (text.size() < kTraceparentBytes) return false;
    const auto version = text.substr(0, 2);
    const auto trace_id = text.substr(3, kTraceIdDigits);
    const auto parent_id = text.substr(36, kSpanIdDigits);
    const auto flags = text.substr(53, 2);
    if (text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
    if (!is_lower_hex(version) || !is_lower_hex(trace_id) || !is_lower_hex(parent_id) || !is_lower_hex(flags))
        return false;
    if (version == "ff" || all_zero(trace_id) || all_zero(parent_id)) return false;
    if (text.size() == kTraceparentBytes) return true;
    return version != "00" && text[kTraceparentBytes] == '-';
}

}  // namespace

TraceContext continue_trace(std::string_view traceparent) {
    TraceContext out;
    std::string_view flags = "00";
    if (is_traceparent(traceparent)) {
        out.trace_id = traceparent.substr(3, kTraceIdDigits);
        // Only the "sampled" bit is known to version 00, which is what is passed on.
        const bool sampled = std::string_view{"13579bdf"}.find(traceparent[54]) != std::string_view::npos;
        flags = sampled ? "01" : "00";
    } else {
        append_hex(out.trace_id, random_number() | 1U);
        append_hex(out.trace_id, random_number());
    }
    out.traceparent.reserve(kTraceparentBytes);
    out.traceparent += "00-";
    out.traceparent += out.trace_id;
    out.traceparent += '-';
    append_hex(out.traceparent, random_number() | 1U);
    out.traceparent += '-';
    out.traceparent += flags;
    return out;
}

}  // namespace carillon::http
