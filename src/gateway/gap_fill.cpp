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

/// What sockets have been told. Nobody remembers the count of a client that comes back.
struct Told {
    std::optional<std::uint64_t> unread;
    base::Version version = 0;
};

Step step_of_creation(const contracts::Notification& row, base::Version version) {
    Step step;
    auto created = row;
    created.version = version;
    created.read_at.reset();
    step.event.version = version;
    step.event.change = std::move(created);
    step.effect = +1;
    return step;
}

Step step_of_reading(const contracts::Notification& row) {
    Step step;
    step.event.version = row.version;
    step.event.change = contracts::InboxChange{contracts::UpdateAction::read, row.id, 0, row.version};
    step.effect = -1;
    return step;
}

/// What the row's state shows of its history, as far as `is_news(version)`. A row that was read and has not changed
/// since its creation was read by a read-all.
template <class IsNews>
void add_steps_of_row(const SyncAnswer& answer, std::size_t row_index, std::vector<Step>& steps,
                      const IsNews& is_news) {
    const auto& row = answer.notifications[row_index];
    std::optional<base::Version> created;
    if (answer.created_versions.size() == answer.notifications.size()) {
        created = answer.created_versions[row_index];
    } else if (!row.read_at) {
        created = row.version;
    }
    if (created && is_news(*created)) steps.push_back(step_of_creation(row, *created));
    const bool was_read = row.read_at && row.version != created;
    if (was_read && is_news(row.version)) steps.push_back(step_of_reading(row));
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

/// The lowest version in (`from`, `to`] that no step has. `steps` is sorted.
std::optional<base::Version> first_hole(const std::vector<Step>& steps, base::Version from, base::Version to) {
    base::Version next = from + 1;
    for (const auto& step : steps) {
        if (step.event.version == next) ++next;
    }
    if (next > to) return std::nullopt;
    return next;
}

/// All up to `before` were read; without it, forget all and read anew.
Step step_of_read_all(base::Version version, std::optional<base::Version> before) {
    Step step;
    step.event.version = version;
    contracts::InboxChange change;
    change.action = contracts::UpdateAction::read_all;
    change.version = version;
    change.before = before;
    change.reset = !before;
    step.event.change = change;
    return step;
}

/// The newest read-all of the answer takes its place among the versions that nothing explains: behind its watermark.
void add_read_all(const SyncAnswer& answer, base::Version told, std::vector<Step>& steps, VersionRanges& unexplained) {
    auto version = first_hole(steps, std::max(told, *answer.read_all_before), answer.count.version);
    if (!version) version = first_hole(steps, told, answer.count.version);
    if (!version) return;
    unexplained.take(*version);
    steps.push_back(step_of_read_all(*version, answer.read_all_before));
    sort_by_version(steps);
}

/// Reckons counts upwards from `told` and downwards from what is known above, through versions that follow each other.
void reckon_counts(std::vector<Step>& steps, Told told, InboxCount reached) {
    Told below = told;
    for (auto& step : steps) {
        if (step.event.version <= told.version) continue;
        if (!step.unread && step.effect != 0 && below.unread && step.event.version == below.version + 1) {
            const bool possible = step.effect > 0 || *below.unread > 0;
            if (possible) step.unread = step.effect > 0 ? *below.unread + 1 : *below.unread - 1;
        }
        if (step.unread) below = {step.unread, step.event.version};
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

InboxEvent finished(Step step, InboxCount reached) {
    step.event.unread = step.unread.value_or(reached.unread);
    if (auto* change = std::get_if<contracts::InboxChange>(&step.event.change)) {
        change->unread_count = step.event.unread;
        change->version = step.event.version;
    }
    return std::move(step.event);
}

}  // namespace

GapFill fill_gap(InboxCount told, const SyncAnswer& answer, std::vector<InboxEvent> held, const VersionRanges& late) {
    const bool knows_of_reset = std::any_of(held.begin(), held.end(), resets);
    std::vector<Step> steps;
    steps.reserve(held.size() + 2 * answer.notifications.size());
    const auto is_news = [&](base::Version version) {
        const bool is_held = std::any_of(held.begin(), held.end(),
                                         [version](const InboxEvent& event) { return event.version == version; });
        const bool is_new = version > told.version && version <= answer.count.version;
        return !is_held && (is_new || late.contains(version));
    };
    for (std::size_t i = 0; i < answer.notifications.size(); ++i) add_steps_of_row(answer, i, steps, is_news);
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
        steps.push_back(step_of_read_all(holes.first ? holes.last : told.version, std::nullopt));
        sort_by_version(steps);
        fill.unexplained.clear();
    } else if (holes.first && answer.read_all_before) {
        add_read_all(answer, told.version, steps, fill.unexplained);
    }

    reckon_counts(steps, {told.unread, told.version}, answer.count);
    for (auto& step : steps) fill.events.push_back(finished(std::move(step), answer.count));
    return fill;
}

std::vector<InboxEvent> missed_events(base::Version since, const SyncAnswer& answer) {
    std::vector<Step> steps;
    steps.reserve(2 * answer.notifications.size() + 1);
    const auto is_news = [&](base::Version version) { return version > since && version <= answer.count.version; };
    for (std::size_t i = 0; i < answer.notifications.size(); ++i) add_steps_of_row(answer, i, steps, is_news);
    sort_by_version(steps);
    auto holes = find_holes(steps, since, answer.count.version);
    if (holes.first && answer.read_all_before) add_read_all(answer, since, steps, holes.ranges);
    if (holes.ranges.empty() && answer.read_all_before) {
        // One that read everything before it left nothing unread.
        const auto is_it = [&](const Step& step) { return step.effect == 0; };
        const auto read_all = std::find_if(steps.begin(), steps.end(), is_it);
        const bool whole = read_all != steps.end() && read_all->event.version == *answer.read_all_before + 1;
        if (whole) read_all->unread = 0;
    }
    reckon_counts(steps, {std::nullopt, since}, answer.count);
    std::vector<InboxEvent> events;
    events.reserve(steps.size());
    for (auto& step : steps) {
        const bool exact = step.unread.has_value();
        events.push_back(finished(std::move(step), answer.count));
        events.back().late = !exact;
        events.back().offset = events.back().version;
    }
    return events;
}

}  // namespace carillon::gateway
