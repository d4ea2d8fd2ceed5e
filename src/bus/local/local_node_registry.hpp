#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "bus/node_registry.hpp"

namespace carillon::bus {

/// The nodes of one process: usually one. What dies takes its registry with it, so nothing has to be renewed.
class LocalNodes {
 public:
    void put(const Node& node);
    void remove(const std::string& id);
    std::optional<std::string> find(const std::string& id) const;

 private:
    // Guarded by mutex_.
    mutable std::mutex mutex_;
    std::map<std::string, std::string> urls_;
};

/// `NodeRegistry` in the process. Registries that share their `LocalNodes` see each other.
class LocalNodeRegistry final : public NodeRegistry {
 public:
    LocalNodeRegistry() : LocalNodeRegistry{std::make_shared<LocalNodes>()} {}
    explicit LocalNodeRegistry(std::shared_ptr<LocalNodes> nodes) : nodes_{std::move(nodes)} {}
    ~LocalNodeRegistry() override { leave(); }
    LocalNodeRegistry(const LocalNodeRegistry&) = delete;
    LocalNodeRegistry& operator=(const LocalNodeRegistry&) = delete;

    void join(Node self) override;
    void leave() override;
    loop::Task<base::Result<std::optional<std::string>>> find(std::string id) override;
    void doubt(const std::string&) override {}

 private:
    const std::shared_ptr<LocalNodes> nodes_;
    std::mutex mutex_;
    std::optional<std::string> self_;  ///< its id; guarded by mutex_
};

}  // namespace carillon::bus
