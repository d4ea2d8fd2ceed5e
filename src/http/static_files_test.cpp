#include "http/static_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "embedded/sample_files.hpp"
#include "http/testing/probe_server.hpp"

namespace carillon::http {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const EmbeddedFile& sample(std::string_view path) {
    for (const auto& file : embedded::sample_files()) {
        if (file.path == path) return file;
    }
    throw std::out_of_range{std::string{path}};
}

TEST(EmbeddedFiles, HoldTheFolderByteForByte) {
    ASSERT_EQ(embedded::sample_files().size(), 3U);
    EXPECT_EQ(sample("/index.html").bytes, "<!doctype html>\n<title>sample</title>\n");
    EXPECT_EQ(sample("/index.html").content_type, "text/html; charset=utf-8");
    EXPECT_EQ(sample("/empty.txt").bytes, "");
    EXPECT_EQ(sample("/icons/bell.svg").content_type, "image/svg+xml");
    EXPECT_NE(sample("/index.html").etag, sample("/empty.txt").etag);
}

class StaticFiles : public ::testing::Test {
 protected:
    StaticFiles() {
        add_static_files(probe_.router, embedded::sample_files());
        probe_.start();
    }
    std::string ask(const std::string& line, const std::string& fields = {}) {
        auto client = probe_.connect();
        client.send(line + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + "\r\n");
        return client.read_until_closed().value_or("not closed");
    }

    ProbeServer probe_;
};

TEST_F(StaticFiles, AreServedWithTheirProtection) {
    for (const auto* path : {"/", "/index.html"}) {
        const auto got = ask("GET " + std::string{path});
        EXPECT_THAT(got, AllOf(StartsWith("HTTP/1.1 200"), EndsWith("<title>sample</title>\n")));
        EXPECT_THAT(got, HasSubstr("ETag: " + std::string{sample("/index.html").etag}));
        EXPECT_THAT(got, HasSubstr("Cache-Control: no-cache"));
        EXPECT_THAT(got, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
                                   "img-src 'self' data:; font-src 'self'; connect-src 'self' ws: wss:; base-uri "
                                   "'none'; form-action 'self'; frame-ancestors 'none'\r\n"));
        EXPECT_THAT(got, HasSubstr("X-Content-Type-Options: nosniff"));
        EXPECT_THAT(got, HasSubstr("Referrer-Policy: no-referrer"));
        EXPECT_THAT(got, Not(HasSubstr("Cross-Origin-Resource-Policy")));
    }
    EXPECT_THAT(ask("GET /empty.txt"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 0\r\n")));
    EXPECT_THAT(ask("GET /icons/bell.svg"), HasSubstr("Content-Type: image/svg+xml"));
    EXPECT_THAT(ask("GET /icons/"), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(ask("GET /../index.html"), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(ask("POST /index.html"), StartsWith("HTTP/1.1 405"));
}

TEST_F(StaticFiles, AreNotSentAgainWhenTheClientHasThem) {
    const std::string tag{sample("/index.html").etag};
    for (const auto& value : {tag, "\"other\", W/" + tag, std::string{"*"}}) {
        const auto got = ask("GET /index.html", "If-None-Match: " + value + "\r\n");
        EXPECT_THAT(got,
                    AllOf(StartsWith("HTTP/1.1 304"), HasSubstr("ETag: " + tag), Not(HasSubstr("Content-Length"))));
        EXPECT_THAT(got, EndsWith("\r\n\r\n"));
    }
    EXPECT_THAT(ask("GET /index.html", "If-None-Match: \"other\"\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(StaticFiles, HaveAHead) {
    EXPECT_THAT(ask("HEAD /index.html"),
                AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 38\r\n"), EndsWith("\r\n\r\n")));
}

TEST(VersionedFiles, MayBeKeptWhenTheUrlNamesTheVersion) {
    ProbeServer probe;
    add_static_files(probe.router, embedded::sample_files(), "1.2.3");
    probe.start();
    const auto ask = [&](const std::string& path) {
        auto client = probe.connect();
        client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        return client.read_until_closed().value_or("not closed");
    };
    EXPECT_THAT(ask("/empty.txt?v=1.2.3"), AllOf(HasSubstr("Cache-Control: public, max-age=31536000, immutable\r\n"),
                                                 HasSubstr("Cross-Origin-Resource-Policy: cross-origin\r\n")));
    for (const auto* path : {"/empty.txt", "/empty.txt?v=1.2.2", "/empty.txt?v=", "/empty.txt?w=1.2.3"}) {
        EXPECT_THAT(ask(path), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Cache-Control: no-cache\r\n")));
    }
}

TEST_F(StaticFiles, ShareOneLabel) {
    ask("GET /");
    ask("GET /empty.txt");
    EXPECT_THAT(probe_.metrics.render(), HasSubstr("http_requests_total{route=\"static\",status=\"200\"} 2"));
}

}  // namespace
}  // namespace carillon::http
