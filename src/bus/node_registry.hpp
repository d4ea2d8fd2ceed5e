#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "bus/errc.hpp"
#include "loop/task.hpp"

namespace carillon::bus {

/// A server process as others reach it.
struct Node {
    std::string id;   ///< letters, digits, '-' and '_'; made anew by every process
    std::string url;  ///< `http://` or `https://`
};

/// Which nodes are there, and where. An entry lasts for a while and is renewed as long as its node lives, so that one
/// that dies without a word is forgotten. Nobody orders or elects anything by it: what it says may be a moment old.
/// Thread: any, for every method.
class NodeRegistry {
 public:
    virtual ~NodeRegistry() = default;

    /// From now on others find this node, until `leave`. Blocks until that is so, at most for a few seconds; after that
    /// it goes on trying.
    virtual void join(Node self) = 0;
    /// Others forget it now. Blocks for a moment at most. Without effect when it has not joined.
    virtual void leave() = 0;
    /// Where a node is; nullopt when none of that id is there. Ends within a few seconds. Errors: unavailable,
    /// overloaded, closed.
    virtual loop::Task<base::Result<std::optional<std::string>>> find(std::string id) = 0;
    /// The node was not where `find` said: ask anew the next time.
    virtual void doubt(const std::string& id) = 0;
};

}  // namespace carillon::bus
