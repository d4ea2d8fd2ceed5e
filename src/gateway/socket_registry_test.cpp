#include "gateway/socket_registry.hpp"

#include <gtest/gtest.h>

#include <random>

#include "gateway/fake_socket.hpp"

namespace carillon::gateway {
namespace {

using testing::FakeSocket;

base::UserId user(int n) {
    base::UserId id;
    id.uuid.bytes[15] = static_cast<std::uint8_t>(n);
    return id;
}

TEST(SocketRegistry, FindsAllSocketsOfAUser) {
    SocketRegistry registry;
    const auto a = std::make_shared<FakeSocket>("a");
    const auto b = std::make_shared<FakeSocket>("b");
    EXPECT_TRUE(registry.register_socket(user(1), "a", a));
    EXPECT_FALSE(registry.register_socket(user(1), "b", b));
    EXPECT_TRUE(registry.register_socket(user(2), "c", std::make_shared<FakeSocket>("c")));
    EXPECT_EQ(registry.sockets_by_user(user(1)), (std::vector<socketio::SocketPtr>{a, b}));
    EXPECT_TRUE(registry.sockets_by_user(user(3)).empty());
    EXPECT_EQ(registry.find("b"), b);
    EXPECT_EQ(registry.find("x"), nullptr);
}

TEST(SocketRegistry, AUserStaysWhileASocketIsOnItsWay) {
    SocketRegistry registry;
    registry.expect(user(1));
    registry.expect(user(1));
    EXPECT_FALSE(registry.forget_expected(user(1)));
    registry.register_socket(user(1), "a", std::make_shared<FakeSocket>("a"));
    EXPECT_FALSE(registry.unregister_socket("a")->last);
    EXPECT_TRUE(registry.forget_expected(user(1))) << "neither there nor on its way";
    EXPECT_FALSE(registry.forget_expected(user(1)));
    registry.expect(user(1));
    registry.register_socket(user(1), "b", std::make_shared<FakeSocket>("b"));
    EXPECT_FALSE(registry.forget_expected(user(1)));
    EXPECT_TRUE(registry.unregister_socket("b")->last);
}

TEST(SocketRegistry, TheUsersEntryGoesWithTheLastSocket) {
    SocketRegistry registry;
    registry.register_socket(user(1), "a", std::make_shared<FakeSocket>("a"));
    registry.register_socket(user(1), "b", std::make_shared<FakeSocket>("b"));
    const auto first = registry.unregister_socket("a");
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->last);
    EXPECT_EQ(registry.users(), 1U);
    const auto second = registry.unregister_socket("b");
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->last);
    EXPECT_EQ(second->user, user(1));
    EXPECT_EQ(registry.users(), 0U);
    EXPECT_FALSE(registry.unregister_socket("b"));
}

TEST(SocketRegistry, KeepsNoPointerToAnUnregisteredSocket) {
    SocketRegistry registry;
    auto socket = std::make_shared<FakeSocket>("a");
    const std::weak_ptr<FakeSocket> weak = socket;
    registry.register_socket(user(1), "a", std::move(socket));
    registry.unregister_socket("a");
    EXPECT_TRUE(weak.expired());
}

TEST(SocketRegistry, SocketsMayGoWhileTheyAreVisited) {
    SocketRegistry registry;
    for (const char* id : {"a", "b", "c", "d"}) {
        registry.register_socket(user(1), id, std::make_shared<FakeSocket>(id));
    }
    std::vector<std::string> visited;
    bool last = false;
    registry.for_each(user(1), [&](socketio::Socket& socket) {
        visited.push_back(socket.id());
        if (socket.id() == "a") {
            registry.unregister_socket("a");
            registry.unregister_socket("c");
        }
        if (socket.id() == "d") {
            registry.unregister_socket("b");
            last = registry.unregister_socket("d")->last;
            EXPECT_EQ(socket.id(), "d") << "it is there until the end of the visit";
        }
    });
    EXPECT_EQ(visited, (std::vector<std::string>{"a", "b", "d"}));
    EXPECT_TRUE(last);
    EXPECT_EQ(registry.users(), 0U);
    EXPECT_EQ(registry.sockets(), 0U);
}

TEST(SocketRegistry, ChurnLeavesItEmpty) {
    SocketRegistry registry;
    std::mt19937 random{7};
    std::vector<std::string> open;
    for (int i = 0; i < 20'000; ++i) {
        if (open.empty() || random() % 2 == 0) {
            const std::string id = "socket-" + std::to_string(i);
            registry.register_socket(user(static_cast<int>(random() % 50)), id, std::make_shared<FakeSocket>(id));
            open.push_back(id);
        } else {
            const std::size_t pick = random() % open.size();
            ASSERT_TRUE(registry.unregister_socket(open[pick]));
            open[pick] = open.back();
            open.pop_back();
        }
        ASSERT_EQ(registry.sockets(), open.size());
    }
    std::size_t visited = 0;
    for (int n = 0; n < 50; ++n) visited += registry.sockets_by_user(user(n)).size();
    EXPECT_EQ(visited, open.size());
    for (const auto& id : open) ASSERT_TRUE(registry.unregister_socket(id));
    EXPECT_EQ(registry.users(), 0U);
    EXPECT_EQ(registry.sockets(), 0U);
}

}  // namespace
}  // namespace carillon::gateway
