#include "bus/local/consumer_group.hpp"

#include <algorithm>
#include <exception>

namespace carillon::bus {

std::shared_ptr<GroupMember> ConsumerGroup::join(Consumer consumer) {
    auto member = std::make_shared<GroupMember>(std::move(consumer));
    const std::lock_guard lock{mutex_};
    members_.push_back(member);
    return member;
}

void ConsumerGroup::leave(const std::shared_ptr<GroupMember>& member) {
    member->active = false;
    const std::lock_guard lock{mutex_};
    members_.erase(std::remove(members_.begin(), members_.end(), member), members_.end());
}

std::shared_ptr<GroupMember> ConsumerGroup::next() {
    const std::lock_guard lock{mutex_};
    if (members_.empty()) return nullptr;
    turn_ = (turn_ + 1) % members_.size();
    return members_[turn_];
}

void ConsumerGroup::end() {
    const std::lock_guard lock{mutex_};
    for (const auto& member : members_) member->active = false;
    members_.clear();
}

loop::Task<void> attempt_delivery(std::shared_ptr<GroupMember> member, Delivery delivery,
                                  std::shared_ptr<AttemptWait> wait) {
    AttemptEnd end;
    if (!member->active) {
        end.kind = AttemptEnd::Kind::left;
    } else {
        try {
            auto handling = member->consumer.handler(std::move(delivery));
            end.outcome = co_await std::move(handling);
        } catch (const std::exception& error) {
            end.kind = AttemptEnd::Kind::threw;
            end.reason = error.what();
        }
    }
    wait->end(std::move(end));
}

}  // namespace carillon::bus
