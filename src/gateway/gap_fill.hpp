#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "gateway/inbox_event.hpp"
#include "gateway/notification_api.hpp"
#include "gateway/version_ranges.hpp"

namespace carillon::gateway {

/// A state of the inbox that the user's sockets have been told, and what is to be sent to reach a later one.
struct GapFill {
    std::vector<InboxEvent> events;  ///< in version order
    VersionRanges unexplained;       ///< versions that no event and no row stands for any more
};

/// What happened between `told` and the state of `answer` (a sync from a version that is not above `told.version`), as
/// events: each row was created, or read, or both; a version that nothing explains was a read-all when the answer names
/// a watermark, else an older state of one of the rows. (When the service does not tell when rows were created, one
/// that is read was only read.) When notifications were erased, or too much was missed to be told apart, one change
/// says `reset`: the clients read their inbox anew.
///
/// `held` are events of the bus above `told.version`, in order, none above the answer's version; they stand for
/// themselves. `late`: versions not above `told.version` that were never sent; their rows are sent too.
///
/// One version has one count: the counts of rows are reckoned from the nearest count known on either side; where that
/// cannot be done exactly, the answer's count is given.
GapFill fill_gap(InboxCount told, const SyncAnswer& answer, std::vector<InboxEvent> held, const VersionRanges& late);

/// The same for a client that knows everything up to `since`, and whose count nobody remembers: what happened since, in
/// version order; the answer is no reset. Where a count cannot be reckoned, the event is marked late, so that none is
/// told with it.
std::vector<InboxEvent> missed_events(base::Version since, const SyncAnswer& answer);

}  // namespace carillon::gateway
