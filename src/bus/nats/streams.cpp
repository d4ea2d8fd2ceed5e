#include "bus/nats/streams.hpp"

#include <fmt/format.h>

#include "base/log.hpp"

namespace carillon::bus {
namespace {

// JetStream's error codes that older headers do not name.
constexpr int kNotEnabled = 10076;
constexpr int kReplicasNotSupported = 10074;
constexpr int kStreamStoreFailed = 10077;

const StreamLimits& limits_of(StreamName stream, const NatsOptions& options) {
    switch (stream) {
        case StreamName::user_event:
            return options.user_events;
        case StreamName::notification_event:
            return options.notification_events;
        case StreamName::token_event:
            return options.token_events;
        case StreamName::dead_letter:
            break;
    }
    return options.dead_letters;
}

std::vector<std::string> subjects_of(StreamName stream) {
    switch (stream) {
        case StreamName::user_event:
            return {"user.registered"};
        case StreamName::notification_event:
            return {"notification.created", "notification.updated"};
        case StreamName::token_event:
            return {"token.revoked"};
        case StreamName::dead_letter:
            break;
    }
    return {"dead.>"};
}

StreamSettings settings_of(const jsStreamConfig& config) {
    StreamSettings settings;
    for (int i = 0; i < config.SubjectsLen; ++i) settings.subjects.emplace_back(config.Subjects[i]);
    settings.age_max = std::chrono::nanoseconds{config.MaxAge};
    settings.bytes_max = config.MaxBytes;
    settings.replicas = config.Replicas;
    settings.file_storage = config.Storage == js_FileStorage;
    settings.discard_old = config.Discard == js_DiscardOld;
    settings.keeps_until_limits = config.Retention == js_LimitsPolicy;
    return settings;
}

}  // namespace

const char* stream_text(StreamName stream) {
    switch (stream) {
        case StreamName::user_event:
            return "USER_EVENT";
        case StreamName::notification_event:
            return "NOTIFICATION_EVENT";
        case StreamName::token_event:
            return "TOKEN_EVENT";
        case StreamName::dead_letter:
            break;
    }
    return "DEAD_LETTER";
}

std::optional<StreamName> stream_of(std::string_view subject) {
    if (subject.starts_with("user.")) return StreamName::user_event;
    if (subject.starts_with("notification.")) return StreamName::notification_event;
    if (subject.starts_with("token.")) return StreamName::token_event;
    if (subject.starts_with("dead.")) return StreamName::dead_letter;
    return std::nullopt;
}

StreamSettings wanted_settings(StreamName stream, const NatsOptions& options) {
    const auto& limits = limits_of(stream, options);
    StreamSettings settings;
    settings.subjects = subjects_of(stream);
    settings.age_max = limits.age_max;
    settings.bytes_max = limits.bytes_max;
    settings.replicas = limits.replicas;
    return settings;
}

std::string describe_difference(const StreamSettings& has, const StreamSettings& wanted) {
    std::string out;
    const auto add = [&out](std::string text) {
        if (!out.empty()) out += "; ";
        out += text;
    };
    for (const auto& subject : wanted.subjects) {
        if (std::find(has.subjects.begin(), has.subjects.end(), subject) == has.subjects.end()) {
            add(fmt::format("subject {} is not listed by itself", subject));
        }
    }
    const auto hours = [](std::chrono::nanoseconds age) {
        return std::chrono::duration<double, std::ratio<3600>>{age}.count();
    };
    if (has.age_max != wanted.age_max)
        add(fmt::format("max_age is {:g}h, not {:g}h", hours(has.age_max), hours(wanted.age_max)));
    if (has.bytes_max != wanted.bytes_max) add(fmt::format("max_bytes is {}, not {}", has.bytes_max, wanted.bytes_max));
    if (has.replicas != wanted.replicas) add(fmt::format("replicas is {}, not {}", has.replicas, wanted.replicas));
    if (!has.file_storage) add("storage is memory, not file");
    if (!has.discard_old) add("discard is new, not old");
    if (!has.keeps_until_limits) add("retention is not limits");
    return out;
}

Advice advice_for(natsStatus status, int code) {
    switch (code) {
        case kNotEnabled:
        case JSNotEnabledForAccountErr:
            return {"NATS runs without JetStream",
                    "turn JetStream on for this account: `jetstream {}` in its configuration"};
        case JSInsufficientResourcesErr:
        case JSStorageResourcesExceededErr:
        case JSMemoryResourcesExceededErr:
        case JSAccountResourcesExceededErr:
            return {
                "the JetStream store is full",
                "raise max_file_store of nats-server or free its disk, or lower the --*-event-bytes flags before the "
                "streams are made; events wait in the outbox until then"};
        case kStreamStoreFailed:
            return {"JetStream cannot write to its store",
                    "free its disk; if that is not it, look at nats-server's log and restart it"};
        case JSStreamSubjectOverlapErr:
            return {"another stream has the subjects of this one",
                    "take Carillon's subjects out of the other stream, or remove it"};
        case kReplicasNotSupported:
        case JSClusterNoPeersErr:
            return {"NATS has too few servers for the replicas of this stream",
                    "lower --nats-replicas, or add servers"};
        default:
            break;
    }
    switch (status) {
        case NATS_NO_RESPONDERS:
            return {"NATS runs without JetStream",
                    "start nats-server with -js, or put `jetstream {}` into its configuration"};
        case NATS_TIMEOUT:
            return {"JetStream does not answer",
                    "look at its quorum and load, and whether this user may publish to $JS.API.> (docs/operations.md)"};
        case NATS_NOT_PERMITTED:
            return {"NATS refuses what this user asks", "give the user the permissions listed in docs/operations.md"};
        default:
            break;
    }
    return {"JetStream refuses", "see the reason"};
}

std::optional<StreamState> Streams::ensure(Link& link, StreamName stream) {
    const std::lock_guard lock{mutex_};
    jsStreamInfo* raw = nullptr;
    auto code = static_cast<jsErrCode>(0);
    const auto status = js_GetStreamInfo(&raw, link.js(), stream_text(stream), nullptr, &code);
    const StreamInfoHandle info{raw};
    if (status == NATS_OK) return note(*info, stream);
    if (code == JSStreamNotFoundErr) return may_create(stream) ? create(link, stream) : std::nullopt;
    tell(stream, status, code);
    return std::nullopt;
}

bool Streams::may_create(StreamName stream) {
    if (!seen_.contains(stream)) return true;
    const auto now = std::chrono::steady_clock::now();
    const auto [gone, first] = gone_since_.try_emplace(stream, now);
    if (first) {
        base::log_warn("a stream was deleted and will be made anew", {{"stream", stream_text(stream)}});
    }
    return now - gone->second >= kDeletionPause;
}

std::optional<StreamState> Streams::create(Link& link, StreamName stream) {
    const auto wanted = wanted_settings(stream, options_);
    std::vector<const char*> subjects;
    for (const auto& subject : wanted.subjects) subjects.push_back(subject.c_str());
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = stream_text(stream);
    config.Subjects = subjects.data();
    config.SubjectsLen = static_cast<int>(subjects.size());
    config.MaxAge = wanted.age_max.count();
    config.MaxBytes = wanted.bytes_max;
    config.Replicas = wanted.replicas;
    config.Storage = js_FileStorage;
    config.Discard = js_DiscardOld;
    config.Retention = js_LimitsPolicy;
    jsStreamInfo* raw = nullptr;
    auto code = static_cast<jsErrCode>(0);
    auto status = js_AddStream(&raw, link.js(), &config, nullptr, &code);
    StreamInfoHandle info{raw};
    if (status == NATS_OK) {
        base::log_info("made a stream",
                       {{"stream", stream_text(stream)},
                        {"max_age_h", std::chrono::duration_cast<std::chrono::hours>(wanted.age_max).count()},
                        {"max_bytes", wanted.bytes_max},
                        {"replicas", wanted.replicas}});
        return note(*info, stream);
    }
    if (code == JSStreamNameExistErr) {  // Another process was quicker, with other settings.
        status = js_GetStreamInfo(&raw, link.js(), stream_text(stream), nullptr, &code);
        info.reset(raw);
        if (status == NATS_OK) return note(*info, stream);
    }
    tell(stream, status, code);
    return std::nullopt;
}

StreamState Streams::note(const jsStreamInfo& info, StreamName stream) {
    const std::string name = stream_text(stream);
    log_.clear(name, "the stream is there");
    seen_.insert(stream);
    gone_since_.erase(stream);
    const auto difference = describe_difference(settings_of(*info.Config), wanted_settings(stream, options_));
    if (!difference.empty() && differences_told_.insert(name + ": " + difference).second) {
        base::log_warn("a stream has other settings and is used as it is",
                       {{"stream", name},
                        {"difference", difference},
                        {"do", "nothing, if that is meant; else `nats stream edit`, or the flags"}});
    }
    return {info.Created, info.State.FirstSeq, info.State.LastSeq};
}

void Streams::tell(StreamName stream, natsStatus status, jsErrCode code) {
    if (status == NATS_CONNECTION_CLOSED) return;  // Told by whoever keeps the link.
    const auto advice = advice_for(status, code);
    natsStatus last = status;
    const char* text = nats_GetLastError(&last);
    std::string detail = natsStatus_GetText(status);
    if (text != nullptr && *text != '\0') detail += std::string{": "} + text;
    log_.raise(stream_text(stream), advice.what, std::move(detail), advice.advice);
}

}  // namespace carillon::bus
