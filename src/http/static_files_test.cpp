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
    ASSERT_EQ(embedded::sample_files().size(), 4U);
    EXPECT_EQ(sample("/index.html").plain.bytes, "<!doctype html>\n<title>sample</title>\n");
    EXPECT_EQ(sample("/index.html").content_type, "text/html; charset=utf-8");
    EXPECT_EQ(sample("/empty.txt").plain.bytes, "");
    EXPECT_EQ(sample("/icons/bell.svg").content_type, "image/svg+xml");
    EXPECT_NE(sample("/index.html").plain.etag, sample("/empty.txt").plain.etag);
}

TEST(EmbeddedFiles, AreGzippedWhereThatIsSmaller) {
    const auto& verse = sample("/verse.txt");
    EXPECT_EQ(verse.gzip.bytes.substr(0, 3), "\x1f\x8b\x08");
    EXPECT_LT(verse.gzip.bytes.size(), verse.plain.bytes.size() / 2);
    EXPECT_NE(verse.gzip.etag, verse.plain.etag);
    for (const auto* small : {"/index.html", "/empty.txt"}) EXPECT_EQ(sample(small).gzip.bytes, "");
}

TEST(AcceptEncoding, DecidesByItsWeights) {
    for (const auto* yes :
         {"gzip", "GZIP", "x-gzip", "deflate, gzip;q=0.5", "gzip ; q=0.001", "gzip, deflate, br, zstd", "*",
          "br;q=1.0, *;q=0.5", "identity;q=0.5, gzip;q=0.5", "identity;q=0, gzip;q=1.000"}) {
        EXPECT_TRUE(wants_gzip(yes)) << yes;
    }
    for (const auto* no : {"", ",", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "gzip;q=",
                           "gzip;q=x", "gzip;level=9", "gzip;q=0.5, identity", "gzipped", "gzip;q=2", "gzip;q=0.5.5"}) {
        EXPECT_FALSE(wants_gzip(no)) << no;
    }
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
        EXPECT_THAT(got, HasSubstr("ETag: " + std::string{sample("/index.html").plain.etag}));
        EXPECT_THAT(got, HasSubstr("Cache-Control: no-cache"));
        EXPECT_THAT(got, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
                                   "img-src 'self' data:; font-src 'self'; connect-src 'self' ws: wss:; base-uri "
                                   "'none'; form-action 'self'; frame-ancestors 'none'\r\n"));
        EXPECT_THAT(got, HasSubstr("X-Content-Type-Options: nosniff"));
        EXPECT_THAT(got, HasSubstr("Referrer-Policy: no-referrer"));
        EXPECT_THAT(got, HasSubstr("Cross-Origin-Resource-Policy: same-origin\r\n"));
        EXPECT_THAT(got, HasSubstr("Cross-Origin-Opener-Policy: same-origin\r\n"));
    }
    EXPECT_THAT(ask("GET /empty.txt"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 0\r\n")));
    EXPECT_THAT(ask("GET /icons/bell.svg"), HasSubstr("Content-Type: image/svg+xml"));
    EXPECT_THAT(ask("GET /icons/"), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(ask("GET /../index.html"), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(ask("POST /index.html"), StartsWith("HTTP/1.1 405"));
}

TEST_F(StaticFiles, AreNotSentAgainWhenTheClientHasThem) {
    const std::string tag{sample("/index.html").plain.etag};
    for (const auto& value : {tag, "\"other\", W/" + tag, std::string{"*"}}) {
        const auto got = ask("GET /index.html", "If-None-Match: " + value + "\r\n");
        EXPECT_THAT(got,
                    AllOf(StartsWith("HTTP/1.1 304"), HasSubstr("ETag: " + tag), Not(HasSubstr("Content-Length"))));
        EXPECT_THAT(got, EndsWith("\r\n\r\n"));
    }
    EXPECT_THAT(ask("GET /index.html", "If-None-Match: \"other\"\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(StaticFiles, AreGzippedForThoseWhoTakeIt) {
    const auto& verse = sample("/verse.txt");
    const auto gzipped = ask("GET /verse.txt", "Accept-Encoding: gzip, br\r\n");
    EXPECT_THAT(gzipped, AllOf(HasSubstr("Content-Encoding: gzip\r\n"), HasSubstr("Vary: Accept-Encoding\r\n"),
                               HasSubstr("ETag: " + std::string{verse.gzip.etag} + "\r\n"),
                               HasSubstr("Content-Type: text/plain; charset=utf-8\r\n")));
    EXPECT_THAT(gzipped, HasSubstr("Content-Length: " + std::to_string(verse.gzip.bytes.size()) + "\r\n"));
    EXPECT_TRUE(gzipped.ends_with("\r\n\r\n" + std::string{verse.gzip.bytes}));
    const auto plain = ask("GET /verse.txt");
    EXPECT_THAT(plain, AllOf(Not(HasSubstr("Content-Encoding")), HasSubstr("Vary: Accept-Encoding\r\n"),
                             HasSubstr("ETag: " + std::string{verse.plain.etag} + "\r\n"),
                             EndsWith("tower 20 rings, and every tab hears it.\n")));
    EXPECT_THAT(ask("HEAD /verse.txt", "Accept-Encoding: gzip\r\n"),
                AllOf(HasSubstr("Content-Encoding: gzip\r\n"), EndsWith("\r\n\r\n")));
    // Each form is known by its own tag.
    for (const auto& [tag, form] : {std::pair{verse.gzip.etag, "gzip"}, std::pair{verse.plain.etag, "identity"}}) {
        const auto fields = "If-None-Match: " + std::string{tag} + "\r\nAccept-Encoding: ";
        EXPECT_THAT(ask("GET /verse.txt", fields + form + "\r\n"),
                    AllOf(StartsWith("HTTP/1.1 304"), HasSubstr("Vary: Accept-Encoding\r\n")));
        const auto* other = form == std::string_view{"gzip"} ? "identity" : "gzip";
        EXPECT_THAT(ask("GET /verse.txt", fields + other + "\r\n"), StartsWith("HTTP/1.1 200"));
    }
    const auto small = ask("GET /index.html", "Accept-Encoding: gzip\r\n");
    EXPECT_THAT(small, AllOf(Not(HasSubstr("Content-Encoding")), Not(HasSubstr("Vary: Accept-Encoding"))));
}

TEST_F(StaticFiles, MayBeKeptWhenTheUrlNamesTheirContent) {
    const auto digits = sample("/verse.txt").plain.etag.substr(1, 12);
    for (const auto* accept : {"gzip", "identity"}) {
        EXPECT_THAT(ask("GET /verse.txt?v=" + std::string{digits}, "Accept-Encoding: " + std::string{accept} + "\r\n"),
                    HasSubstr("Cache-Control: public, max-age=31536000, immutable\r\n"));
    }
    for (const auto& other : {std::string{digits.substr(0, 11)}, std::string{"0123456789ab"}, std::string{}}) {
        EXPECT_THAT(ask("GET /verse.txt?v=" + other), HasSubstr("Cache-Control: no-cache\r\n")) << other;
    }
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
