#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carillon::socketio {

/// Makes the secret ids of Engine.IO sessions, and reads in them where a session lives: the id of its node (one server
/// process) and its shard. Never an address: who needs one looks the node up. A MAC says that a node with the same key
/// made it, so that nobody can be sent looking for nodes by ids that a client invents. Constant. Thread: any.
class SidCodec {
 public:
    static constexpr std::size_t kNodeLength = 8;
    static constexpr std::size_t kSidLength = 37;  // as long as the open packet may be in a short WebSocket frame

    /// A node and a key that nobody else has: for a server that stands alone.
    SidCodec();
    /// `node`: as `random_node` makes them. `key`: the same for all nodes that shall know each other's ids.
    SidCodec(std::string node, std::string key);
    /// 48 random bits in the URL-safe alphabet.
    static std::string random_node();

    const std::string& node() const { return node_; }
    /// `shard` is below 4,096.
    std::string make(std::uint16_t shard) const;

    struct Owner {
        std::string node;
        std::uint16_t shard = 0;
    };
    /// Nullopt when no node with this key made it.
    std::optional<Owner> owner_of(std::string_view sid) const;

 private:
    std::string mac_of(std::string_view body) const;

    const std::string node_;
    const std::string key_;
};

}  // namespace carillon::socketio
