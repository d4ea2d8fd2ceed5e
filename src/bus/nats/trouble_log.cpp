#include "bus/nats/trouble_log.hpp"

#include "base/log.hpp"

namespace carillon::bus {

void TroubleLog::raise(const std::string& topic, std::string_view what, std::string detail, std::string_view advice) {
    {
        const std::lock_guard lock{mutex_};
        auto& last = raised_[topic];
        if (last == what) return;
        last = what;
    }
    base::log_warn(what, {{"about", topic}, {"reason", detail}, {"do", advice}});
}

void TroubleLog::clear(const std::string& topic, std::string_view what) {
    {
        const std::lock_guard lock{mutex_};
        if (raised_.erase(topic) == 0) return;
    }
    base::log_info(what, {{"about", topic}});
}

bool TroubleLog::raised(const std::string& topic) const {
    const std::lock_guard lock{mutex_};
    return raised_.contains(topic);
}

void TroubleLog::forget(const std::string& topic) {
    const std::lock_guard lock{mutex_};
    raised_.erase(topic);
}

}  // namespace carillon::bus
