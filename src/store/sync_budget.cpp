#include "store/sync_budget.hpp"

namespace carillon::store {

bool SyncBudget::take(const contracts::Notification& notification) {
    if (rows_left_ == 0) return false;
    scratch_.clear();
    contracts::append_notification(scratch_, notification);
    const std::size_t with_comma = scratch_.size() + 1;
    if (bytes_ != 0 && bytes_ + with_comma > kSyncPageBytesMax) return false;
    bytes_ += with_comma;
    --rows_left_;
    return true;
}

}  // namespace carillon::store
