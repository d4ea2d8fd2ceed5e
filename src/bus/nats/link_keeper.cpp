#include "bus/nats/link_keeper.hpp"

#include <pthread.h>

#include <algorithm>
#include <random>

#include "base/log.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;

/// Looks at a stream that was found missing come no faster than this.
constexpr auto kCheckPauseMin = 200ms;

const std::string kConnectionTopic = "nats";

Advice connect_advice(natsStatus status) {
    switch (status) {
        case NATS_CONNECTION_AUTH_FAILED:
            return {"NATS refuses the credentials", "check user and password in --nats-url, or --nats-credentials"};
        case NATS_SECURE_CONNECTION_REQUIRED:
            return {"NATS wants TLS", "use a tls:// URL in --nats-url, or give --nats-tls-ca"};
        case NATS_SECURE_CONNECTION_WANTED:
            return {"NATS has no TLS",
                    "use a nats:// URL in --nats-url without the --nats-tls flags, or turn TLS on there"};
        case NATS_SSL_ERROR:
            return {"the TLS handshake with NATS fails",
                    "check --nats-tls-ca, and that the host is one its certificate names"};
        default:
            break;
    }
    return {"NATS cannot be reached", "check that nats-server runs and --nats-url names it; this process keeps trying"};
}

std::string urls_text(const NatsOptions& options) {
    std::string text;
    for (const auto& url : options.urls) text += (text.empty() ? "" : ",") + without_credentials(url);
    return text;
}

}  // namespace

LinkKeeper::LinkKeeper(NatsOptions options)
    : options_{std::move(options)}, needed_{options_.streams.begin(), options_.streams.end()} {}

LinkKeeper::~LinkKeeper() {
    stop();
}

void LinkKeeper::start(Hooks hooks) {
    hooks_ = std::move(hooks);
    thread_ = std::thread{[this] {
        pthread_setname_np(pthread_self(), "nats-keeper");
        run();
    }};
}

void LinkKeeper::stop() {
    std::shared_ptr<Link> link;
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        link = link_;
    }
    changed_.notify_all();
    if (link) link->close();
    if (thread_.joinable()) thread_.join();
}

std::shared_ptr<Link> LinkKeeper::current() const {
    const std::lock_guard lock{mutex_};
    return link_;
}

bool LinkKeeper::stopping() const {
    const std::lock_guard lock{mutex_};
    return stopping_;
}

std::shared_ptr<Link> LinkKeeper::wait(const std::atomic<bool>& ended) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return stopping_ || ended || (link_ && !link_->closed()); });
    return stopping_ || ended ? nullptr : link_;
}

void LinkKeeper::pause(std::chrono::milliseconds time, const std::atomic<bool>& ended) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, time, [&] { return stopping_ || ended; });
}

void LinkKeeper::wake() {
    // Under the mutex, so that nobody is between its look and its sleep.
    { const std::lock_guard lock{mutex_}; }
    changed_.notify_all();
}

void LinkKeeper::need(StreamName stream) {
    {
        const std::lock_guard lock{mutex_};
        if (!needed_.insert(stream).second) return;
    }
    check_soon();
}

void LinkKeeper::check_soon() {
    {
        const std::lock_guard lock{mutex_};
        check_wanted_ = true;
    }
    changed_.notify_all();
}

void LinkKeeper::run() {
    std::mt19937 random{std::random_device{}()};
    auto pause_time = options_.reconnect_pause_min;
    const std::atomic<bool> never{false};
    while (!stopping()) {
        const auto link = connect();
        if (!link) {
            // Spread, so that a thousand processes do not come back in one moment.
            std::uniform_int_distribution<std::int64_t> spread{pause_time.count() / 2, pause_time.count()};
            pause(std::chrono::milliseconds{spread(random)}, never);
            pause_time = std::min(pause_time * 2, options_.reconnect_pause_max);
            continue;
        }
        pause_time = options_.reconnect_pause_min;
        healthy_ = check_streams(*link);
        if (hooks_.on_up) hooks_.on_up(link);
        {
            const std::lock_guard lock{mutex_};
            link_ = link;
        }
        changed_.notify_all();
        watch(link);
        healthy_ = false;
        {
            const std::lock_guard lock{mutex_};
            link_ = nullptr;
        }
        if (!stopping()) {
            log_.raise(kConnectionTopic, "the connection to NATS was lost", urls_text(options_),
                       "nothing, if it comes back soon; events wait in the outbox");
        }
        if (hooks_.on_down) hooks_.on_down();
        link->close();
    }
}

std::shared_ptr<Link> LinkKeeper::connect() {
    LinkEvents events;
    events.on_closed = [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->wake();
    };
    events.on_not_permitted = [weak = weak_from_this()](const std::string& detail) {
        const auto self = weak.lock();
        if (!self) return;
        const auto advice = advice_for(NATS_NOT_PERMITTED, 0);
        self->log_.raise("permissions: " + detail, advice.what, detail, advice.advice);
    };
    events.on_acknowledgement = hooks_.on_acknowledgement;
    auto opened = Link::open(options_, std::move(events));
    if (!opened) {
        // A server that refuses may close before it has said why: what was said before still holds.
        const auto status = opened.error().status;
        if (status == NATS_PROTOCOL_ERROR && log_.raised(kConnectionTopic)) return nullptr;
        // Of several servers some may be away: that one refuses says more.
        const bool refuses = status == NATS_CONNECTION_AUTH_FAILED || status == NATS_SECURE_CONNECTION_REQUIRED ||
                             status == NATS_SECURE_CONNECTION_WANTED || status == NATS_SSL_ERROR;
        if (refused_ && !refuses) return nullptr;
        refused_ = refuses;
        const auto advice = connect_advice(opened.error().status);
        log_.raise(kConnectionTopic, advice.what, urls_text(options_) + ": " + opened.error().detail, advice.advice);
        return nullptr;
    }
    log_.forget(kConnectionTopic);
    refused_ = false;
    base::log_info("connected to NATS", {{"url", (*opened)->url()}, {"server", (*opened)->server()}});
    return *opened;
}

/// Looks after the streams until the link is lost.
void LinkKeeper::watch(const std::shared_ptr<Link>& link) {
    while (true) {
        const auto interval =
            healthy_ ? options_.check_interval : std::max(options_.check_interval / 5, kCheckPauseMin);
        bool asked = false;
        {
            std::unique_lock lock{mutex_};
            changed_.wait_for(lock, interval, [&] { return stopping_ || check_wanted_ || link->closed(); });
            if (stopping_ || link->closed()) return;
            asked = std::exchange(check_wanted_, false);
        }
        healthy_ = check_streams(*link);
        if (asked && !link->closed()) {
            std::unique_lock lock{mutex_};
            changed_.wait_for(lock, kCheckPauseMin, [&] { return stopping_ || link->closed(); });
        }
    }
}

bool LinkKeeper::check_streams(Link& link) {
    std::set<StreamName> needed;
    {
        const std::lock_guard lock{mutex_};
        needed = needed_;
    }
    bool all = true;
    for (const auto stream : needed) all = streams_.ensure(link, stream).has_value() && all;
    return all;
}

}  // namespace carillon::bus
