#pragma once

#include <string>
#include <string_view>

namespace carillon::http {

/// The trace that a request belongs to (W3C Trace Context, https://www.w3.org/TR/trace-context/).
struct TraceContext {
    std::string trace_id;     ///< 32 hex digits
    std::string traceparent;  ///< the same trace with a span of our own, to be passed on
};

/// Goes on with the trace of a `traceparent` header, or begins one when it is empty or malformed. Thread: any.
TraceContext continue_trace(std::string_view traceparent);

}  // namespace carillon::http
