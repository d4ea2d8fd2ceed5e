#include "http/trace_context.hpp"

#include <gtest/gtest.h>

namespace carillon::http {
namespace {

constexpr std::string_view kTrace = "0af7651916cd43dd8448eb211c80319c";

TEST(TraceContext, GoesOnWithATraceInASpanOfItsOwn) {
    const auto got = continue_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    EXPECT_EQ(got.trace_id, kTrace);
    EXPECT_EQ(got.traceparent.substr(0, 36), "00-0af7651916cd43dd8448eb211c80319c-");
    EXPECT_EQ(got.traceparent.size(), 55U);
    EXPECT_NE(got.traceparent.substr(36, 16), "b7ad6b7169203331");
    EXPECT_EQ(got.traceparent.substr(52), "-01");
}

TEST(TraceContext, ReadsHigherVersionsAndKeepsOnlyTheSampledBit) {
    EXPECT_EQ(continue_trace("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02-more").trace_id, kTrace);
    EXPECT_EQ(continue_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02").traceparent.substr(52), "-00");
    EXPECT_EQ(continue_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03").traceparent.substr(52), "-01");
}

TEST(TraceContext, BeginsATraceWhenTheHeaderIsMalformed) {
    for (const std::string_view bad : {"", "garbage", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                                       "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                       "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                       "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                                       "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                       "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                                       "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
                                       "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
        const auto got = continue_trace(bad);
        EXPECT_NE(got.trace_id, kTrace) << bad;
        EXPECT_EQ(got.trace_id.size(), 32U) << bad;
        EXPECT_EQ(got.trace_id.find_first_not_of("0123456789abcdef"), std::string::npos) << bad;
        EXPECT_EQ(got.traceparent.substr(3, 32), got.trace_id) << bad;
    }
    EXPECT_NE(continue_trace("").trace_id, continue_trace("").trace_id);
}

}  // namespace
}  // namespace carillon::http
