#include "gateway/comeback.hpp"

#include <gtest/gtest.h>

namespace carillon::gateway {
namespace {

const std::string kSecret(32, 's');

base::UserId user(std::uint8_t last) {
    base::UserId id;
    id.uuid.bytes.back() = last;
    return id;
}

socketio::Handshake showing(const std::string& auth_json) {
    socketio::Handshake handshake;
    handshake.auth_json = auth_json;
    return handshake;
}

class Pids : public ::testing::Test {
 protected:
    std::optional<Comeback> find(const std::string& auth_json, base::UserId whose = user(1),
                                 std::string_view nsp = "/") {
        return find_comeback(showing(auth_json), whose, nsp, pids);
    }
    std::string sealed(std::optional<base::Version> version = 5) const {
        return pids.seal({user(1), "/", "id-of_20-characters0", version});
    }

    const PidSealer pids{kSecret};
};

TEST_F(Pids, SayWhatTheyWereMadeOf) {
    for (const Pid& pid : {Pid{user(1), "/", "a", 0}, Pid{user(2), "/ws", "id-of_20-characters0", 7},
                           Pid{user(3), "/", std::string(64, 'x'), std::nullopt},
                           Pid{user(255), "/", "b", 9'223'372'036'854'775'807U}}) {
        EXPECT_EQ(pids.open(pids.seal(pid)), pid);
        EXPECT_EQ(PidSealer{kSecret}.open(pids.seal(pid)), pid) << "on another gateway";
    }
}

TEST_F(Pids, OfStrangersAreNothing) {
    EXPECT_FALSE(pids.open(PidSealer{std::string(32, 't')}.seal({user(1), "/", "a", 0}))) << "another secret";
    const token::Sealer same{kSecret, "carillon socket pid 1"};
    EXPECT_FALSE(pids.open(same.seal("")));
    EXPECT_FALSE(pids.open(same.seal(std::string(60, '\0')))) << "another format";
    EXPECT_FALSE(pids.open(same.seal(std::string(1, '\1') + std::string(24, '\0') + "\x05" + "abcd"))) << "too short";
    EXPECT_FALSE(pids.open(same.seal(std::string(1, '\1') + std::string(24, '\0') + "\x03" + "a\"b/"))) << "no id";
    EXPECT_FALSE(pids.open(same.seal(std::string(1, '\1') + std::string(24, '\0') + std::string(1, '\0') + "/")));
    std::string changed = sealed();
    changed[changed.size() / 2] ^= 1;
    EXPECT_FALSE(pids.open(changed));
}

TEST_F(Pids, WithoutAnOffsetTheVersionAtConnectCounts) {
    const std::string pid = sealed(5);
    const auto found = find(R"({"token":"x","pid":")" + pid + "\"}");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->pid, pid);
    EXPECT_EQ(found->socket_id, "id-of_20-characters0");
    EXPECT_EQ(found->since, 5U);
    EXPECT_FALSE(find(R"({"pid":")" + sealed(std::nullopt) + "\"}")) << "unknown";
}

TEST_F(Pids, AnOffsetCountsBeforeIt) {
    EXPECT_EQ(find(R"({"pid":")" + sealed(5) + R"(","offset":"17"})")->since, 17U);
    EXPECT_EQ(find(R"({"pid":")" + sealed(std::nullopt) + R"(","offset":"17"})")->since, 17U);
    for (const std::string offset : {"17", "null", R"("")", R"("x")", R"("-1")", R"("1.5")",
                                     R"("99999999999999999999")", R"("17 ")", "{}", R"("0x1")"}) {
        EXPECT_FALSE(find(R"({"pid":")" + sealed() + R"(","offset":)" + offset + "}")) << offset;
    }
}

TEST_F(Pids, AreGoodForTheirUserAndNamespaceOnly) {
    const std::string auth = R"({"pid":")" + sealed() + R"(","offset":"1"})";
    EXPECT_TRUE(find(auth));
    EXPECT_FALSE(find(auth, user(2)));
    EXPECT_FALSE(find(auth, user(1), "/ws"));
}

TEST_F(Pids, AreAskedForByAnAuthObjectOnly) {
    for (const std::string auth : {"{}", "[]", "", "x", R"({"pid":1})", R"({"pid":"made up","offset":"1"})",
                                   R"({"offset":"1"})", R"({"pid":null})"}) {
        EXPECT_FALSE(find(auth)) << auth;
    }
}

TEST(Offsets, AreForClientsThatCanTakeThem) {
    const auto with = [](const std::string& name, const std::string& value) {
        socketio::Handshake handshake;
        handshake.query[name] = value;
        return takes_offsets(handshake);
    };
    EXPECT_TRUE(takes_offsets({})) << "JavaScript over WebSocket, and most others";
    EXPECT_TRUE(with("t", "0xk3f2a1")) << "JavaScript over polling";
    EXPECT_TRUE(with("t", "1764042113"));
    EXPECT_TRUE(with("t", "a.b"));
    EXPECT_TRUE(with("t", "."));
    EXPECT_FALSE(with("t", "1764042113.1234567")) << "python-engineio";
    EXPECT_FALSE(with("recovery", "0"));
    EXPECT_FALSE(with("recovery", "false"));
    EXPECT_TRUE(with("recovery", "1"));
}

}  // namespace
}  // namespace carillon::gateway
