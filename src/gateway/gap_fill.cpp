#include "gateway/gap_fill.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace carillon::gateway {
namespace {

struct Step {
    InboxEvent event;
    std::optional<std::uint64_t> unread;  ///< when known exactly
    int effect = 0;                       ///< on the count; 0: unknown (a read-all)
};

Step step_of_row(const contracts::Notification& row) {
    Step step;
    step.event.version = row.version;
    if (row.read_at) {
        step.event.change = contracts::InboxChange{contracts::UpdateAction::read, row.id, 0, row.version};
        step.effect = -1;
    } else {
        step.event.change = row;
        step.effect = +1;
    }
    return step;
}

Step step_of_held(InboxEvent event) {
    Step step;
    step.unread = event.unread;
    if (const auto* change = std::get_if<contracts::InboxChange>(&event.change)) {
        step.effect = change->action == contracts::UpdateAction::read ? -1 : 0;
    } else {
        step.effect = +1;
    }
    step.event = std::move(event);
    return step;
}

void sort_by_version(std::vector<Step>& steps) {
    std::stable_sort(steps.begin(), steps.end(),
                     [](const Step& a, const Step& b) { return a.event.version < b.event.version; });
}

struct Holes {
    VersionRanges ranges;
    std::optional<base::Version> first;
    base::Version last = 0;
};

/// The versions in (`from`, `to`] that no step has. `steps` is sorted.
Holes find_holes(const std::vector<Step>& steps, base::Version from, base::Version to) {
    Holes holes;
    base::Version next = from + 1;
    const auto add = [&](base::Version last) {
        if (next > last) return;
        if (!holes.first) holes.first = next;
        holes.last = last;
        holes.ranges.add(next, last);
    };
    for (const auto& step : steps) {
        if (step.event.version <= from) continue;
        add(step.event.version - 1);
        next = step.event.version + 1;
    }
    add(to);
    return holes;
}

bool resets(const InboxEvent& event) {
    const auto* change = std::get_if<contracts::InboxChange>(&event.change);
    return change != nullptr && change->reset;
}

Step step_of_read_all(base::Version version, bool reset) {
    Step step;
    step.event.version = version;
    contracts::InboxChange change;
    change.action = contracts::UpdateAction::read_all;
    change.version = version;
    change.reset = reset;
    step.event.change = change;
    return step;
}

/// Reckons counts upwards from `told` and downwards from what is known above, through versions that follow each other.
void reckon_counts(std::vector<Step>& steps, InboxCount told, InboxCount reached) {
    InboxCount below = told;
    for (auto& step : steps) {
        if (step.event.version <= told.version) continue;
        if (!step.unread && step.effect != 0 && step.event.version == below.version + 1) {
            const bool possible = step.effect > 0 || below.unread > 0;
            if (possible) step.unread = step.effect > 0 ? below.unread + 1 : below.unread - 1;
        }
        if (step.unread) below = {*step.unread, step.event.version};
    }
    InboxCount above = reached;
    int effect_above = 0;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        if (!step->unread && step->event.version == above.version) step->unread = above.unread;
        if (!step->unread && effect_above != 0 && step->event.version + 1 == above.version) {
            const bool possible = effect_above < 0 || above.unread > 0;
            if (possible) step->unread = effect_above > 0 ? above.unread - 1 : above.unread + 1;
        }
        effect_above = 0;
        if (step->unread) {
            above = {*step->unread, step->event.version};
            effect_above = step->effect;
        }
    }
}

}  // namespace

GapFill fill_gap(InboxCount told, const SyncAnswer& answer, std::vector<InboxEvent> held, const VersionRanges& late) {
    const bool knows_of_reset = std::any_of(held.begin(), held.end(), resets);
    std::vector<Step> steps;
    steps.reserve(held.size() + answer.notifications.size());
    for (const auto& row : answer.notifications) {
        const bool is_held = std::any_of(held.begin(), held.end(),
                                         [&row](const InboxEvent& event) { return event.version == row.version; });
        const bool is_new = row.version > told.version && row.version <= answer.count.version;
        if (!is_held && (is_new || late.contains(row.version))) steps.push_back(step_of_row(row));
    }
    for (auto& event : held) steps.push_back(step_of_held(std::move(event)));
    sort_by_version(steps);

    GapFill fill;
    Holes holes = find_holes(steps, told.version, answer.count.version);
    fill.unexplained = std::move(holes.ranges);
    // The newest change leaves a row or a watermark, unless it was an erasure.
    const bool ends_in_a_hole = holes.first && holes.last == answer.count.version;
    const bool erased = ends_in_a_hole && !answer.read_all_before && !answer.has_more;
    if ((answer.reset || erased) && !knows_of_reset) {
        // In the last place that is free: what a client reads anew then has all that came before it.
        steps.push_back(step_of_read_all(holes.first ? holes.last : told.version, true));
        sort_by_version(steps);
        fill.unexplained.clear();
    } else if (holes.first && answer.read_all_before) {
        steps.push_back(step_of_read_all(*holes.first, false));
        sort_by_version(steps);
        fill.unexplained.take(*holes.first);
    }

    reckon_counts(steps, told, answer.count);
    for (auto& step : steps) {
        step.event.unread = step.unread.value_or(answer.count.unread);
        if (auto* change = std::get_if<contracts::InboxChange>(&step.event.change)) {
            change->unread_count = step.event.unread;
            change->version = step.event.version;
        }
        fill.events.push_back(std::move(step.event));
    }
    return fill;
}

}  // namespace carillon::gateway
