#include "http/trusted_proxies.hpp"

#include <gtest/gtest.h>

namespace carillon::http {
namespace {

Request request_from(const std::string& peer, std::vector<std::pair<std::string, std::string>> fields) {
    Request request;
    request.remote_address = peer;
    for (auto& [name, value] : fields) request.headers.add(name, value);
    return request;
}

TEST(TrustedProxies, KnowsItsNetworks) {
    const TrustedProxies proxies{{"10.0.0.0/8", "192.168.1.5", "fd00::/9", "::1", "172.16.0.0/12"}};
    for (const auto* yes :
         {"10.0.0.1", "10.255.255.255", "192.168.1.5", "fd7f::1", "::1", "172.31.0.1", "::ffff:10.1.1.1"}) {
        EXPECT_TRUE(proxies.trusts(yes)) << yes;
    }
    for (const auto* no : {"11.0.0.1", "192.168.1.6", "fd80::1", "::2", "172.32.0.1", "", "unknown", "10.0.0"}) {
        EXPECT_FALSE(proxies.trusts(no)) << no;
    }
    EXPECT_TRUE(TrustedProxies{{"0.0.0.0/0"}}.trusts("8.8.8.8"));
    EXPECT_FALSE(TrustedProxies{{"0.0.0.0/0"}}.trusts("2001:db8::1"));
}

TEST(TrustedProxies, RefusesWhatIsNoNetwork) {
    for (const auto* bad :
         {"", "proxy", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "::1/129", "10.0.0/8", "/8", "10.0.0.0/-1"}) {
        EXPECT_THROW(TrustedProxies{{bad}}, std::invalid_argument) << bad;
    }
}

struct Case {
    const char* what;
    const char* peer;
    std::vector<std::pair<std::string, std::string>> fields;
    const char* client;
    bool over_tls = false;
};

TEST(TrustedProxies, ReadsTheChainFromItsEnd) {
    const TrustedProxies proxies{{"10.0.0.0/8", "::1"}};
    const Case cases[] = {
        {"nobody said anything", "10.0.0.1", {}, "10.0.0.1"},
        {"a stranger is not believed",
         "1.2.3.4",
         {{"X-Forwarded-For", "5.6.7.8"}, {"X-Forwarded-Proto", "https"}},
         "1.2.3.4"},
        {"one proxy", "10.0.0.1", {{"X-Forwarded-For", "5.6.7.8"}}, "5.6.7.8"},
        {"what the client wrote itself", "10.0.0.1", {{"X-Forwarded-For", "9.9.9.9, 5.6.7.8"}}, "5.6.7.8"},
        {"in a field of its own",
         "10.0.0.1",
         {{"X-Forwarded-For", "9.9.9.9"}, {"x-forwarded-for", "5.6.7.8"}},
         "5.6.7.8"},
        {"two proxies", "10.0.0.1", {{"X-Forwarded-For", "5.6.7.8,10.0.0.2"}}, "5.6.7.8"},
        {"nobody but proxies", "10.0.0.1", {{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}, "10.0.0.3"},
        {"an unknown one hides what is before it",
         "10.0.0.1",
         {{"X-Forwarded-For", "5.6.7.8, unknown, 10.0.0.2"}},
         "10.0.0.2"},
        {"garbage", "10.0.0.1", {{"X-Forwarded-For", "<script>"}}, "10.0.0.1"},
        {"an empty one", "10.0.0.1", {{"X-Forwarded-For", ""}}, "10.0.0.1"},
        {"a port", "10.0.0.1", {{"X-Forwarded-For", "5.6.7.8:1234"}}, "5.6.7.8"},
        {"IPv6", "::1", {{"X-Forwarded-For", "2001:DB8::1"}}, "2001:db8::1"},
        {"IPv6 with a port", "::1", {{"X-Forwarded-For", "[2001:db8::1]:99"}}, "2001:db8::1"},
        {"IPv4 written as IPv6", "::1", {{"X-Forwarded-For", "::ffff:5.6.7.8"}}, "5.6.7.8"},
        {"Forwarded", "10.0.0.1", {{"Forwarded", "for=5.6.7.8;proto=https;by=10.0.0.1"}}, "5.6.7.8", true},
        {"Forwarded, quoted", "10.0.0.1", {{"Forwarded", "For=\"[2001:db8::1]:4711\""}}, "2001:db8::1"},
        {"Forwarded, several",
         "10.0.0.1",
         {{"Forwarded", "for=9.9.9.9, for=5.6.7.8;host=\"a,b;c\", for=10.0.0.2"}},
         "5.6.7.8"},
        {"Forwarded, obfuscated", "10.0.0.1", {{"Forwarded", "for=_gazonk"}}, "10.0.0.1"},
        {"Forwarded without for", "10.0.0.1", {{"Forwarded", "proto=https"}}, "10.0.0.1", true},
        {"the client's own Forwarded beside the proxy's X-Forwarded-For",
         "10.0.0.1",
         {{"Forwarded", "for=9.9.9.9;proto=https"}, {"X-Forwarded-For", "5.6.7.8"}},
         "5.6.7.8"},
        {"https", "10.0.0.1", {{"X-Forwarded-For", "5.6.7.8"}, {"X-Forwarded-Proto", "https"}}, "5.6.7.8", true},
        {"https without an address", "10.0.0.1", {{"X-Forwarded-Proto", "HTTPS"}}, "10.0.0.1", true},
        {"http", "10.0.0.1", {{"X-Forwarded-Proto", "http"}}, "10.0.0.1"},
        {"an unclosed quote", "10.0.0.1", {{"Forwarded", "for=\"5.6.7.8"}}, "10.0.0.1"},
    };
    for (const auto& c : cases) {
        auto request = request_from(c.peer, c.fields);
        proxies.look_through(request);
        EXPECT_EQ(request.remote_address, c.client) << c.what;
        EXPECT_EQ(request.over_tls, c.over_tls) << c.what;
    }
}

TEST(TrustedProxies, WithoutAnyBelievesNobody) {
    auto request = request_from("127.0.0.1", {{"X-Forwarded-For", "5.6.7.8"}, {"X-Forwarded-Proto", "https"}});
    TrustedProxies{}.look_through(request);
    EXPECT_EQ(request.remote_address, "127.0.0.1");
    EXPECT_FALSE(request.over_tls);
}

}  // namespace
}  // namespace carillon::http
