#include "store/postgres/statements.hpp"

namespace carillon::store::postgres::sql {

const std::vector<const Statement*>& inbox_writes() {
    static const std::vector<const Statement*> kAll{
        &kBegin,
        &kCommit,
        &kRollback,
        &kTransactionId,
        &kLockUsers,
        &kLockedStates,
        &kStoredRows,
        &kTakenIds,
        &kTakenKeys,
        &kUnreadRows,
        &kInsertNotifications,
        &kMarkRead,
        &kReadAll,
        &kSetStates,
        &kConsume,
        &kInsertEvents,
        &kAdopt,
        &kClaimKeys,
        &kFirstAnswers,
        &kKeepAnswers,
        &kEraseNotifications,
        &kEraseEvents,
        &kEraseKeys,
        &kSetErased,
        &kPruneKeys,
    };
    return kAll;
}

const std::vector<const Statement*>& inbox_reads() {
    static const std::vector<const Statement*> kAll{
        &kBegin,         &kCommit,         &kCommitLater,  &kTransactionStatus, &kPing,
        &kPendingEvents, &kRemoveEvents,   &kCountEvents,  &kRenewLease,        &kDropLease,
        &kDeadInstances, &kDropDeadLeases, &kListAll,      &kListUnread,        &kListRead,
        &kFind,          &kCounts,         &kChangedSince, &kCreatedRows,       &kPendingEventsOf,
        &kKeptAnswers,
    };
    return kAll;
}

const std::vector<const Statement*>& user_writes() {
    static const std::vector<const Statement*> kAll{
        &kBegin,       &kCommit,       &kRollback, &kTransactionId,    &kInsertUser,
        &kUserByEmail, &kInsertEvents, &kAdopt,    &kInsertRevocation, &kRemoveExpiredRevocations,
    };
    return kAll;
}

const std::vector<const Statement*>& user_reads() {
    static const std::vector<const Statement*> kAll{
        &kBegin,
        &kCommit,
        &kCommitLater,
        &kTransactionStatus,
        &kPing,
        &kPendingEvents,
        &kRemoveEvents,
        &kCountEvents,
        &kRenewLease,
        &kDropLease,
        &kDeadInstances,
        &kDropDeadLeases,
        &kUserByEmail,
        &kUserById,
        &kEraseUser,
        &kReplacePasswordHash,
        &kInsertSession,
        &kSessionById,
        &kRotateSession,
        &kRemoveSession,
        &kRemoveSessionsOf,
        &kRemoveSessionsBeyond,
        &kRemoveExpiredSessions,
        &kRevocationByClaim,
        &kListRevocations,
        &kIsRevoked,
    };
    return kAll;
}

}  // namespace carillon::store::postgres::sql
