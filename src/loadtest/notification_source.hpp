#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "loadtest/plan.hpp"
#include "loadtest/reactor.hpp"

namespace carillon::loadtest {

/// What a source tells its owner.
class SourceEvents {
 public:
    /// The server has taken the notification.
    virtual void on_created(std::uint64_t sequence, base::SteadyTime now) = 0;
    virtual void on_create_failed(std::uint64_t sequence, std::string_view reason) = 0;

 protected:
    ~SourceEvents() = default;
};

/// Makes notifications somewhere behind the gateway.
class NotificationSource {
 public:
    virtual ~NotificationSource() = default;
    /// Waits for its connection where it has one. Throws SetupError when there is none.
    virtual void prepare() = 0;
    /// One for `user`. `number`: the how many-th of this user in this run, from 1.
    virtual void create(std::uint64_t sequence, base::UserId user, std::uint64_t number, std::string_view title) = 0;
    /// Whether another one can be sent without waiting: for runs as fast as it goes.
    virtual bool takes_more() const = 0;
    virtual std::size_t in_flight() const = 0;
    /// Once a turn.
    virtual void tick(base::SteadyTime now) = 0;
    /// Why nothing more can be made in this run; empty when all is well.
    virtual std::string failure() const = 0;
};

/// Throws SetupError when the plan's URLs are no good.
std::unique_ptr<NotificationSource> make_source(const Plan& plan, std::uint64_t run, Reactor& reactor,
                                                SourceEvents& events);

}  // namespace carillon::loadtest
