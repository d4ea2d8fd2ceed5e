#include "http/message.hpp"

#include <gtest/gtest.h>

#include "http/response_head.hpp"
#include "http/uri.hpp"

namespace carillon::http {
namespace {

TEST(Headers, CompareNamesWithoutCase) {
    Headers headers;
    headers.add("Set-Cookie", "a");
    headers.add("SET-COOKIE", "b");
    EXPECT_EQ(headers.get("set-cookie"), "a");
    EXPECT_EQ(headers.count("Set-Cookie"), 2U);
    headers.set("set-cookie", "c");
    EXPECT_EQ(headers.count("Set-Cookie"), 1U);
    EXPECT_EQ(headers.get("Set-Cookie"), "c");
    EXPECT_FALSE(headers.has("Cookie"));
    EXPECT_EQ(headers.get("Cookie"), "");
}

TEST(PercentDecode, ReadsEscapesAndRefusesBrokenOnes) {
    EXPECT_EQ(percent_decode("a%20b+c%C3%a9", false), "a b+c\xC3\xA9");
    EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
    for (const auto* broken : {"%", "%4", "%zz", "a%2", "%%41"}) EXPECT_FALSE(percent_decode(broken, false)) << broken;
}

TEST(Request, FindsAQueryValue) {
    Request request;
    request.query = "a=1&b=x%20y+z&a=2&flag&=nameless&broken=%zz&e=&%63=3";
    EXPECT_EQ(request.query_value("a"), "1");
    EXPECT_EQ(request.query_value("b"), "x y z");
    EXPECT_EQ(request.query_value("flag"), "");
    EXPECT_EQ(request.query_value("e"), "");
    EXPECT_EQ(request.query_value("c"), "3");
    EXPECT_EQ(request.query_value("broken"), "%zz");
    EXPECT_FALSE(request.query_value("missing"));
}

TEST(ParseQuery, KeepsOrderAndWhatIsBrokenAsItWasSent) {
    const auto got = parse_query("a=1&&b&broken=%z&%z=1&a=%26");
    ASSERT_EQ(got.size(), 4U);
    EXPECT_EQ(got[0], std::make_pair(std::string{"a"}, std::string{"1"}));
    EXPECT_EQ(got[1], std::make_pair(std::string{"b"}, std::string{}));
    EXPECT_EQ(got[2], std::make_pair(std::string{"broken"}, std::string{"%z"}));
    EXPECT_EQ(got[3], std::make_pair(std::string{"a"}, std::string{"&"}));
}

TEST(ResponseHead, LetsNoValueBeginAnotherField) {
    Response response;
    response.headers.add("Location", "/a\r\nSet-Cookie: evil=1");
    const auto head = response_head(response, {});
    EXPECT_EQ(head.find("\r\nSet-Cookie"), std::string::npos);
}

TEST(ResponseHead, FramesByItselfAlone) {
    Response response;
    response.headers.add("Content-Length", "7");
    response.headers.add("Transfer-Encoding", "chunked");
    response.headers.add("Connection", "upgrade");
    response.body = "abc";
    EXPECT_EQ(response_head(response, {}),
              "HTTP/1.1 200 OK\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
              "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
              "Cross-Origin-Resource-Policy: same-origin\r\nContent-Length: 3\r\n\r\n");
}

TEST(ResponseHead, GivesNoLengthToAnswersWithoutABody) {
    for (const int status : {204, 304}) {
        Response response;
        response.status = status;
        response.body = "ignored";
        EXPECT_EQ(response_head(response, {}).find("Content-Length"), std::string::npos) << status;
        EXPECT_EQ(response_body(response, {}), "") << status;
    }
}

}  // namespace
}  // namespace carillon::http
