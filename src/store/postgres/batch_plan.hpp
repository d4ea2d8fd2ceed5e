#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/outbox_store.hpp"
#include "store/postgres/mutation.hpp"

namespace carillon::store::postgres {

/// The row of `user_state`; zeros for a user that nobody knows.
struct UserState {
    InboxState inbox;
    base::Version read_all_before = 0;
    base::Version read_all_version = 0;
};

/// What a batch of mutations does, decided here between its two round trips. First it says what must be read (and, for
/// the users, locked) in the transaction; then it is told what was found; `decide` applies the mutations one after the
/// other to that, in their order, and leaves every caller's answer and what must be written.
///
/// Pure: no database, no clock, no thread of its own. A read-all must be the first of its user in the batch.
class BatchPlan {
 public:
    /// `batch` outlives the plan.
    explicit BatchPlan(const std::vector<Mutation>& batch);

    // --- What must be read. All sorted, without repeats: every batch takes its locks in the same order.

    /// Whose rows must be locked; true when the row must be made if it is missing.
    const std::map<base::UserId, bool>& users() const { return users_; }
    const std::set<base::NotificationId>& marked_ids() const { return marked_ids_; }
    const std::set<base::NotificationId>& created_ids() const { return created_ids_; }
    const std::set<std::string_view>& consumed_keys() const { return consumed_keys_; }
    /// Up to which version unread rows must be counted.
    const std::map<base::UserId, base::Version>& counted() const { return counted_; }
    /// Of the idempotency keys: what must be locked without waiting, and then read.
    const std::set<std::int64_t>& claim_locks() const { return claim_locks_; }
    const std::set<base::Digest>& claimed_keys() const { return claimed_keys_; }

    // --- What was found

    struct StoredRow {
        base::NotificationId id;
        base::UserId user;
        std::optional<base::TimePoint> read_at;
        base::Version unread_version = 0;
    };
    struct UnreadRows {
        std::uint64_t total = 0;
        std::uint64_t counted = 0;  ///< of them, up to the version that was asked
    };
    void found_user(base::UserId user, const UserState& state);
    void found_row(const StoredRow& row) { stored_[row.id] = row; }
    void found_id(base::NotificationId id) { taken_ids_.insert(id); }
    void found_key(std::string_view key) { taken_keys_.insert(std::string{key}); }
    void found_unread(base::UserId user, UnreadRows rows) { unread_rows_[user] = rows; }

    struct KeptAnswer {
        base::Digest request;
        base::TimePoint created_at;
        std::string text;
    };
    void granted(std::int64_t claim_lock) { granted_.insert(claim_lock); }
    void found_answer(const base::Digest& key, KeptAnswer answer) { kept_before_[key] = std::move(answer); }

    void decide();

    // --- What came out

    std::vector<Answer>& answers() { return answers_; }
    /// Nothing is to be written.
    bool changes_nothing() const { return events_.empty() && kept_.empty(); }

    struct CreatedRow {
        const NewNotification* wanted = nullptr;
        base::Version created_version = 0;
        base::Version version = 0;
        std::optional<base::TimePoint> read_at;
    };
    struct MarkedRow {
        base::NotificationId id;
        base::TimePoint read_at;
        base::Version version = 0;
    };
    struct ReadAllRows {
        base::UserId user;
        base::Version watermark = 0;
        base::TimePoint read_at;
    };
    /// By id.
    std::map<base::NotificationId, CreatedRow>& created() { return created_; }
    const std::vector<MarkedRow>& marked() const { return marked_; }
    const std::vector<ReadAllRows>& read_alls() const { return read_alls_; }
    /// The states that changed.
    std::vector<std::pair<base::UserId, UserState>> states() const;
    /// With the time of the creation that consumed them.
    const std::map<std::string_view, base::TimePoint>& consumed() const { return consumed_; }
    struct KeptRow {
        const IdempotencyClaim* claim = nullptr;
        std::string answer;
    };
    /// By key.
    const std::map<base::Digest, KeptRow>& kept() const { return kept_; }
    /// In the order of the changes, without sequences; and whose each is.
    std::vector<OutboxEvent>& events() { return events_; }
    const std::vector<base::UserId>& event_users() const { return event_users_; }

 private:
    struct UserEntry {
        UserState state;
        bool changed = false;
        const ReadAllRows* read_all = nullptr;
    };

    void need(base::UserId user, const NewNotification& wanted);
    Answer decide(const Mutation& mutation);
    Answer apply(const Mutation& mutation);
    Answer apply(base::UserId user, const CreateWork& work);
    Answer apply(base::UserId user, const MarkReadWork& work);
    Answer apply(base::UserId user, const ReadAllWork& work);
    Answer apply(base::UserId user, const CreateOnceWork& work);
    bool is_known(const NewNotification& wanted) const;
    Created create(const NewNotification& wanted, base::EventId event_id);
    InboxState advance(UserEntry& entry, std::uint64_t unread) const;
    void add_event(base::UserId user, OutboxEvent event);

    const std::vector<Mutation>& batch_;
    std::map<base::UserId, bool> users_;
    std::set<base::NotificationId> marked_ids_;
    std::set<base::NotificationId> created_ids_;
    std::set<std::string_view> consumed_keys_;
    std::map<base::UserId, base::Version> counted_;
    std::set<std::int64_t> claim_locks_;
    std::set<base::Digest> claimed_keys_;

    std::unordered_map<base::UserId, UserEntry> entries_;
    std::unordered_map<base::NotificationId, StoredRow> stored_;
    std::set<base::NotificationId> taken_ids_;
    std::set<std::string, std::less<>> taken_keys_;
    std::unordered_map<base::UserId, UnreadRows> unread_rows_;
    std::set<std::int64_t> granted_;
    std::map<base::Digest, KeptAnswer> kept_before_;

    std::vector<Answer> answers_;
    std::map<base::NotificationId, CreatedRow> created_;
    std::vector<MarkedRow> marked_;
    std::vector<ReadAllRows> read_alls_;
    std::map<std::string_view, base::TimePoint> consumed_;
    std::map<base::Digest, KeptRow> kept_;
    std::vector<OutboxEvent> events_;
    std::vector<base::UserId> event_users_;
};

}  // namespace carillon::store::postgres
