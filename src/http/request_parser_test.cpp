#include "http/request_parser.hpp"

#include <gtest/gtest.h>

namespace carillon::http {
namespace {

constexpr std::size_t kHeadMax = 1'024;
constexpr std::size_t kFieldsMax = 8;
constexpr std::size_t kBodyMax = 32;

struct Read {
    int status = 0;  ///< 200 complete, 0 more is needed, else the error's
    Request request;
    std::string rest;
};

/// Reads `bytes` in pieces of `step`.
Read read(std::string_view bytes, std::size_t step = std::string_view::npos) {
    RequestParser parser{kHeadMax, kFieldsMax};
    std::string inbox;
    bool head = false;
    auto status = RequestParser::Status::need_more;
    while (status == RequestParser::Status::need_more && !bytes.empty()) {
        const auto piece = bytes.substr(0, step);
        bytes.remove_prefix(piece.size());
        inbox += piece;
        if (!head) {
            status = parser.read_head(inbox);
            if (status != RequestParser::Status::complete) continue;
            head = true;
            parser.limit_body(kBodyMax);
        }
        status = parser.has_body() ? parser.read_body(inbox) : RequestParser::Status::complete;
    }
    Read out;
    out.rest = inbox + std::string{bytes};
    out.request = std::move(parser.request());
    if (status == RequestParser::Status::complete) out.status = 200;
    if (status == RequestParser::Status::failed) out.status = parser.error().status;
    return out;
}

struct Case {
    const char* what;
    std::string bytes;
    int status;
};

TEST(RequestParser, JudgesEachOfTheseByteForByteHoweverTheyArrive) {
    const std::string host = "Host: a\r\n";
    const Case cases[] = {
        {"a plain request", "GET / HTTP/1.1\r\n" + host + "\r\n", 200},
        {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 200},
        {"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", 200},
        {"an unknown method", "BREW / HTTP/1.1\r\n" + host + "\r\n", 200},
        {"absolute form", "GET http://a/x HTTP/1.1\r\n" + host + "\r\n", 200},
        {"asterisk form", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 200},
        {"an empty field value", "GET / HTTP/1.1\r\n" + host + "X:\r\n\r\n", 200},
        {"a body", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", 200},
        {"chunks", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200},
        {"no chunk but the last", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200},
        {"chunks with extensions and trailers",
         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0;c\r\nX: y\r\n\r\n", 200},

        {"TLS", std::string{"\x16\x03\x01\x02\x00\x01", 6}, 400},
        {"no method", " / HTTP/1.1\r\n\r\n", 400},
        {"no target", "GET  HTTP/1.1\r\n" + host + "\r\n", 400},
        {"words", "hello there\r\n\r\n", 400},
        {"a target without a slash", "GET x HTTP/1.1\r\n" + host + "\r\n", 400},
        {"a broken escape", "GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
        {"a NUL in the path", "GET /%00 HTTP/1.1\r\n" + host + "\r\n", 400},
        {"a fragment", "GET /#x HTTP/1.1\r\n" + host + "\r\n", 400},
        {"asterisk form of GET", "GET * HTTP/1.1\r\n" + host + "\r\n", 400},
        {"authority form", "CONNECT a:1 HTTP/1.1\r\n" + host + "\r\n", 400},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"HTTP/1.2", "GET / HTTP/1.2\r\n" + host + "\r\n", 505},
        {"no version", "GET /\r\n\r\n", 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},

        {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
        {"bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
        {"bare CR in a field", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400},
        {"a folded field", "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", 400},
        {"a folded first field", "GET / HTTP/1.1\r\n " + host + "\r\n", 400},
        {"blank before the colon", "POST / HTTP/1.1\r\n" + host + "Content-Length : 3\r\n\r\nabc", 400},
        {"tab before the colon", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding\t: chunked\r\n\r\n", 400},
        {"a field without a name", "GET / HTTP/1.1\r\n" + host + ": x\r\n\r\n", 400},
        {"a field without a colon", "GET / HTTP/1.1\r\n" + host + "x\r\n\r\n", 400},
        {"a NUL in a field", "GET / HTTP/1.1\r\n" + host + std::string{"X: \0\r\n\r\n", 8}, 400},
        {"a control character in a name", "GET / HTTP/1.1\r\n" + host + "X\x01: y\r\n\r\n", 400},

        {"both lengths",
         "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"both lengths, the other way round",
         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
        {"two lengths that differ", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
         400},
        {"two lengths that agree", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
         400},
        {"a list of lengths", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3, 3\r\n\r\nabc", 400},
        {"a signed length", "POST / HTTP/1.1\r\n" + host + "Content-Length: +3\r\n\r\nabc", 400},
        {"a negative length", "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
        {"a hex length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x3\r\n\r\nabc", 400},
        {"an endless length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400},
        {"an empty length", "POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n", 400},
        {"another coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501},
        {"a second coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {"something like chunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
        {"two Transfer-Encodings",
         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400},
        {"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"an unknown expectation", "POST / HTTP/1.1\r\n" + host + "Expect: tea\r\nContent-Length: 1\r\n\r\na", 417},

        {"a chunk size of nothing", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n\r\n\r\n", 400},
        {"a chunk size that is none", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
        {"a chunk size with a sign", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
        {"a chunk size that overflows",
         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc", 400},
        {"a chunk line with bare LF", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\nabc", 400},
        {"a chunk without its CRLF",
         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400},
        {"an endless chunk extension",
         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3;" + std::string(2'000, 'a'), 400},
        {"endless trailers",
         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(2'000, 'a'), 400},

        {"chunks up to the limit",
         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n20\r\n" + std::string(32, 'a') +
             "\r\n0\r\n\r\n",
         200},
        {"chunks past the limit",
         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n20\r\n" + std::string(32, 'a') +
             "\r\n1\r\nb",
         413},
        {"one chunk past the limit", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n21\r\n", 413},
        {"too long a target", "GET /" + std::string(kHeadMax, 'a') + " HTTP/1.1\r\n" + host + "\r\n", 431},
        {"too long a head, unfinished", "GET / HTTP/1.1\r\nX: " + std::string(kHeadMax, 'a'), 431},
        {"too many fields",
         "GET / HTTP/1.1\r\n" + host + "A: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n\r\n", 431},
        {"half a head", "GET / HTTP/1.1\r\nHost: a\r\n", 0},
        {"half a body", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nab", 0},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(read(c.bytes).status, c.status) << c.what;
        EXPECT_EQ(read(c.bytes, 1).status, c.status) << c.what << ", a byte at a time";
        EXPECT_EQ(read(c.bytes, 7).status, c.status) << c.what << ", seven bytes at a time";
    }
}

TEST(RequestParser, TakesTheRequestApart) {
    const auto got = read(
        "PATCH /a%20b/c?x=1&token=%2B HTTP/1.1\r\nhost: example:3000\r\nX-One:  two \r\nContent-Length: "
        "4\r\n\r\n{\"a\"GET");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.request.method, Method::patch);
    EXPECT_EQ(got.request.target, "/a%20b/c?x=1&token=%2B");
    EXPECT_EQ(got.request.path, "/a b/c");
    EXPECT_EQ(got.request.query, "x=1&token=%2B");
    EXPECT_EQ(got.request.query_value("token"), "+");
    EXPECT_EQ(got.request.headers.get("X-ONE"), "two");
    EXPECT_EQ(got.request.body, "{\"a\"");
    EXPECT_EQ(got.rest, "GET");
    EXPECT_TRUE(got.request.keep_alive);
}

TEST(RequestParser, JoinsChunksAndLeavesTheNextRequest) {
    const auto got = read(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x\r\n0123456789\r\n0\r\nT: "
        "x\r\n\r\nGET /next");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.request.body, "abc0123456789");
    EXPECT_EQ(got.rest, "GET /next");
    EXPECT_FALSE(got.request.headers.has("T"));
}

TEST(RequestParser, TakesTheHostOfTheAbsoluteForm) {
    const auto got = read("GET http://b:81?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.request.path, "/");
    EXPECT_EQ(got.request.target, "/?x=1");
    EXPECT_EQ(got.request.headers.get("host"), "b:81");
    EXPECT_EQ(got.request.headers.count("host"), 1U);
}

TEST(RequestParser, KnowsWhenTheConnectionEnds) {
    EXPECT_TRUE(read("GET / HTTP/1.1\r\nHost: a\r\n\r\n").request.keep_alive);
    EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").request.keep_alive);
    EXPECT_FALSE(read("GET / HTTP/1.0\r\n\r\n").request.keep_alive);
    EXPECT_TRUE(read("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").request.keep_alive);
}

TEST(RequestParser, KnowsAWebSocketRequest) {
    const auto upgrade = [](std::string bytes) {
        RequestParser parser{kHeadMax, kFieldsMax};
        EXPECT_EQ(parser.read_head(bytes), RequestParser::Status::complete);
        return parser.is_websocket_upgrade();
    };
    EXPECT_TRUE(upgrade("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n"));
    EXPECT_FALSE(upgrade("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nUpgrade: websocket\r\n\r\n"));
    EXPECT_FALSE(upgrade("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    EXPECT_FALSE(upgrade("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"));
}

}  // namespace
}  // namespace carillon::http
