#include "bus/local/local_node_registry.hpp"

#include <utility>

namespace carillon::bus {

void LocalNodes::put(const Node& node) {
    const std::lock_guard lock{mutex_};
    urls_[node.id] = node.url;
}

void LocalNodes::remove(const std::string& id) {
    const std::lock_guard lock{mutex_};
    urls_.erase(id);
}

std::optional<std::string> LocalNodes::find(const std::string& id) const {
    const std::lock_guard lock{mutex_};
    const auto found = urls_.find(id);
    if (found == urls_.end()) return std::nullopt;
    return found->second;
}

void LocalNodeRegistry::join(Node self) {
    leave();
    nodes_->put(self);
    const std::lock_guard lock{mutex_};
    self_ = std::move(self.id);
}

void LocalNodeRegistry::leave() {
    std::optional<std::string> id;
    {
        const std::lock_guard lock{mutex_};
        id = std::exchange(self_, std::nullopt);
    }
    if (id) nodes_->remove(*id);
}

loop::Task<base::Result<std::optional<std::string>>> LocalNodeRegistry::find(std::string id) {
    co_return nodes_->find(id);
}

}  // namespace carillon::bus
