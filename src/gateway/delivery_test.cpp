#include "gateway/delivery.hpp"

#include <algorithm>

#include "socketio/server_fixture.hpp"

namespace carillon::gateway {
namespace {

InboxEvent read_all(std::uint64_t unread, base::Version version, bool late = false) {
    InboxEvent event;
    contracts::InboxChange change;
    change.action = contracts::UpdateAction::read_all;
    change.unread_count = unread;
    change.version = version;
    event.change = change;
    event.unread = unread;
    event.version = version;
    event.offset = version;
    event.late = late;
    return event;
}

class SlowReader : public socketio::ServerFixture {
 protected:
    static std::size_t counts(const std::vector<std::string>& packets) {
        return static_cast<std::size_t>(std::count_if(packets.begin(), packets.end(), [](const std::string& packet) {
            return packet.starts_with(R"(42["unreadCount:updated")");
        }));
    }

    DeliveryEncoder encoder;
};

TEST_F(SlowReader, IsToldOneCountBehindEveryEvent) {
    socketio::FakeLink link;
    auto& session = joined(link);
    sockets.at(0)->send_offsets(0);
    link.busy = true;
    sockets.at(0)->emit(encode_count({0, 0}, 0));
    flush();
    EXPECT_EQ(counts(link.take()), 1U) << "under way already";
    sockets.at(0)->emit(encode_count({9, 1}, 1));
    base::Version version = 1;
    for (int i = 0; i < 5; ++i) {
        encoder.add(read_all(8, ++version));
        encoder.add(read_all(8, 1, true));
        encoder.add(read_all(7, ++version));
        const Delivery delivery = encoder.take({});
        EXPECT_EQ(delivery.counts, 2);
        sockets.at(0)->emit(delivery.events);
        flush();
    }
    link.busy = false;
    link.behind = 0;
    session.link_writable(link);
    flush();
    const auto packets = link.take();
    ASSERT_EQ(packets.size(), 16U);
    EXPECT_EQ(counts(packets), 1U);
    EXPECT_EQ(packets.back(), R"(42["unreadCount:updated",{"count":7,"version":"11"},"11"])");
    EXPECT_EQ(observer.spared, 10U);
    EXPECT_EQ(server->queued_bytes(), 0U);
}

TEST_F(SlowReader, IsNotSparedWhenItKeepsUp) {
    socketio::FakeLink link;
    joined(link);
    for (base::Version version = 1; version <= 4; ++version) {
        encoder.add(read_all(0, version));
        sockets.at(0)->emit(encoder.take({}).events);
    }
    flush();
    EXPECT_EQ(counts(link.take()), 4U);
    EXPECT_EQ(observer.spared, 0U);
}

}  // namespace
}  // namespace carillon::gateway
