#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace carillon::socketio {

/// One Engine.IO packet on its way out: a text packet with its type digit, or the bytes of a binary message. It is
/// `prefix` and then `body`, so that one encoded event is shared by all sockets and namespaces it goes to.
struct OutPacket {
    std::shared_ptr<const std::string> body;
    const std::string* prefix = nullptr;  ///< outlives the packet: a namespace's or a constant; null: none
    bool binary = false;
    bool message = true;  ///< Socket.IO data, as opposed to Engine.IO's own packets

    std::size_t size() const { return (prefix ? prefix->size() : 0) + body->size(); }
    void append_to(std::string& out) const {
        if (prefix) out += *prefix;
        out += *body;
    }

    /// A text packet of its own.
    static OutPacket text(std::string text) {
        return {std::make_shared<const std::string>(std::move(text)), nullptr, false, true};
    }
    /// An Engine.IO packet whose text lives as long as the process.
    static OutPacket control(const std::string& constant) {
        return {std::shared_ptr<const std::string>{std::shared_ptr<void>{}, &constant}, nullptr, false, false};
    }
};

}  // namespace carillon::socketio
