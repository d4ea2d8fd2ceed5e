#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "loop/task.hpp"

namespace carillon::http {

/// The other nodes, for requests whose session lives on one of them: they are passed on, with an internal token, to
/// where the node says that it is. Given by whoever knows the nodes. All functions: any shard's thread.
struct EnginePeers {
    /// The URL of a node; nullopt when there is none of that id. An error when nobody can tell now. Ends within a
    /// deadline of its own.
    std::function<loop::Task<base::Result<std::optional<std::string>>>(std::string node)> find;
    /// It was not reached there.
    std::function<void(const std::string& node)> doubt;
    /// A fresh internal token, and whether one that came is good.
    std::function<std::string()> sign;
    std::function<bool(std::string_view token)> verify;
    /// What became of a request for another node: "answered", "tunnelled", "no_node", "not_reached", "refused",
    /// "overloaded", "loop".
    std::function<void(std::string_view result)> count;

    std::string tls_ca_file;                       ///< for https URLs: PEM, instead of the system's; may be empty
    std::size_t requests_max = 4'096;              ///< passed on and not yet answered, with tunnels, of one shard
    std::chrono::milliseconds hold_max{50'000};    ///< for the answer to a GET, which the owner holds back
    std::chrono::milliseconds answer_max{10'000};  ///< for any other answer
    std::chrono::milliseconds connect_max{2'000};
    std::chrono::milliseconds idle_max{20'000};      ///< of a kept connection; shorter than what servers allow
    std::chrono::milliseconds silence_max{120'000};  ///< of both sides of a tunnelled WebSocket
};

/// Carries the internal token of a request that was passed on, as `Bearer …`. Such a request is never passed on again.
inline constexpr std::string_view kForwardedHeader = "Carillon-Forwarded";
/// The address of the client of such a request.
inline constexpr std::string_view kForwardedClientHeader = "Carillon-Forwarded-Client";

}  // namespace carillon::http
