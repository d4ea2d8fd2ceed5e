#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "socketio/server.hpp"
#include "token/sealer.hpp"

namespace carillon::gateway {

/// What a `pid` says: whose socket it was, and from which version on its client lacks what happens before it is sent
/// any event.
struct Pid {
    base::UserId user;
    std::string nsp;
    std::string socket_id;
    std::optional<base::Version> version;  ///< nothing: it was not known at CONNECT

    bool operator==(const Pid&) const = default;
};

/// Makes pids and reads them, on every gateway that has the internal secret. Immutable. Thread: any.
class PidSealer {
 public:
    /// Throws std::invalid_argument when `secret` has fewer than 32 bytes.
    explicit PidSealer(std::string_view secret) : sealer_{secret, "carillon socket pid 1"} {}

    std::string seal(const Pid& pid) const;
    /// Nothing for what is not a pid of ours.
    std::optional<Pid> open(std::string_view sealed) const;

 private:
    const token::Sealer sealer_;
};

/// A client that goes on where it was: as which socket, and from which version on.
struct Comeback {
    std::string pid;
    std::string socket_id;
    base::Version since = 0;
};

/// What the client asks for in the `pid` and `offset` of its auth object; nothing when it asks for nothing, or for what
/// is not `user`'s, not of this namespace, or no version.
std::optional<Comeback> find_comeback(const socketio::Handshake& handshake, base::UserId user, std::string_view nsp,
                                      const PidSealer& pids);

/// Whether the client can take an offset as the last argument of its events. Those that know nothing of recovery and
/// hand each argument to a parameter of the handler cannot: python-socketio, known by how it writes the time into `t`,
/// and whoever says `recovery=0` in the query.
bool takes_offsets(const socketio::Handshake& handshake);

}  // namespace carillon::gateway
