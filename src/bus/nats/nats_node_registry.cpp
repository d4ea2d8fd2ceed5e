#include "bus/nats/nats_node_registry.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;

constexpr const char* kBucket = "CARILLON_NODES";
const std::string kTopic = "node registry";
constexpr auto kJoinWait = 3s;
constexpr auto kLeaveWait = 1s;
constexpr auto kAskWait = 1'500ms;
constexpr auto kLinkLook = 100ms;
constexpr auto kRetryPause = 500ms;
/// That there is no such node is believed for so long: its clients all ask at once.
constexpr auto kAbsenceKept = 500ms;
constexpr std::size_t kWaitingMax = 16'384;
constexpr std::size_t kKnownMax = 4'096;

struct KvDeleter {
    void operator()(kvStore* store) const { kvStore_Destroy(store); }
    void operator()(kvEntry* entry) const { kvEntry_Destroy(entry); }
};

}  // namespace

/// The bucket as seen over one link; gone with it.
struct NatsNodeRegistry::Bucket {
    std::shared_ptr<Link> link;
    JsHandle js;
    std::unique_ptr<kvStore, KvDeleter> kv;
};

NatsNodeRegistry::NatsNodeRegistry(const NatsOptions& options, std::shared_ptr<LinkKeeper> keeper)
    : options_{options}, keeper_{std::move(keeper)}, bucket_ttl_{options.node_ttl} {
    thread_ = std::thread{[this] {
        pthread_setname_np(pthread_self(), "nats-nodes");
        run();
    }};
}

NatsNodeRegistry::~NatsNodeRegistry() {
    leave();
    stop();
}

void NatsNodeRegistry::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void NatsNodeRegistry::join(Node self) {
    std::unique_lock lock{mutex_};
    self_ = std::move(self);
    joined_ = false;
    write_at_ = {};
    changed_.notify_all();
    changed_.wait_for(lock, kJoinWait, [this] { return joined_ || stopping_; });
}

void NatsNodeRegistry::leave() {
    std::unique_lock lock{mutex_};
    if (!self_ || stopping_) return;
    if (joined_) leaving_ = self_->id;
    self_.reset();
    changed_.notify_all();
    changed_.wait_for(lock, kLeaveWait, [this] { return !leaving_ || stopping_; });
}

void NatsNodeRegistry::doubt(const std::string& id) {
    const std::lock_guard lock{mutex_};
    known_.erase(id);
}

loop::Task<NatsNodeRegistry::Found> NatsNodeRegistry::find(std::string id) {
    {
        const std::lock_guard lock{mutex_};
        if (stopping_) co_return errc::closed;
        const auto known = known_.find(id);
        if (known != known_.end() && std::chrono::steady_clock::now() < known->second.until)
            co_return known->second.url;
        if (waiting_ >= kWaitingMax) co_return errc::overloaded;
    }
    std::function<void(loop::Resume<Found>)> start = [this, &id](loop::Resume<Found> resume) {
        bool closed = false;
        {
            const std::lock_guard lock{mutex_};
            closed = stopping_;
            if (!closed) {
                asking_[id].push_back(resume);
                ++waiting_;
            }
        }
        if (closed) return resume(errc::closed);
        changed_.notify_all();
    };
    co_return co_await loop::suspend<Found>(start);
}

void NatsNodeRegistry::fail_all(base::ErrorCode error) {
    std::map<std::string, std::vector<loop::Resume<Found>>> asking;
    {
        const std::lock_guard lock{mutex_};
        asking.swap(asking_);
        waiting_ = 0;
    }
    for (const auto& [id, waiting] : asking) {
        for (const auto& one : waiting) one(error);
    }
}

std::chrono::milliseconds NatsNodeRegistry::renew_interval() const {
    return std::max<std::chrono::milliseconds>(std::min(options_.node_ttl, bucket_ttl_) / 3, 50ms);
}

void NatsNodeRegistry::run() {
    while (true) {
        std::optional<Node> due;
        std::optional<std::string> leaving;
        std::vector<std::string> asked;
        {
            std::unique_lock lock{mutex_};
            const auto has_work = [this] {
                return stopping_ || leaving_ || !asking_.empty() ||
                       (self_ && std::chrono::steady_clock::now() >= write_at_);
            };
            // The bucket is opened ahead of the first question; without a link its return is looked out for.
            const auto look = bucket_ ? renew_interval() : std::chrono::milliseconds{kLinkLook};
            auto until = std::chrono::steady_clock::now() + look;
            if (self_) until = std::min(until, std::max(write_at_, std::chrono::steady_clock::now()));
            changed_.wait_until(lock, until, has_work);
            if (stopping_) break;
            leaving = leaving_;
            if (self_ && std::chrono::steady_clock::now() >= write_at_) due = self_;
            for (const auto& [id, waiting] : asking_) asked.push_back(id);
        }
        if (!open_bucket()) {
            fail_all(errc::unavailable);
            const std::lock_guard lock{mutex_};
            leaving_.reset();  // NATS forgets it by itself
            write_at_ = std::chrono::steady_clock::now() + kLinkLook;
            changed_.notify_all();
            continue;
        }
        if (leaving) {
            const auto status = kvStore_Delete(bucket_->kv.get(), leaving->c_str());
            if (status != NATS_OK) tell("a node cannot take itself out of the registry", status);
            const std::lock_guard lock{mutex_};
            leaving_.reset();
            changed_.notify_all();
        }
        if (due) {
            const bool written = write(*due);
            const std::lock_guard lock{mutex_};
            write_at_ =
                std::chrono::steady_clock::now() +
                (written ? renew_interval() : std::min(renew_interval(), std::chrono::milliseconds{kRetryPause}));
            joined_ = joined_ || (written && self_ && self_->id == due->id);
            changed_.notify_all();
        }
        for (const auto& id : asked) look_up(id);
    }
    fail_all(errc::closed);
    bucket_.reset();
    changed_.notify_all();
}

bool NatsNodeRegistry::open_bucket() {
    const auto link = keeper_->current();
    if (!link || link->closed()) {
        bucket_.reset();
        return false;
    }
    if (bucket_ && bucket_->link == link) return true;
    bucket_.reset();
    auto bucket = std::make_unique<Bucket>();
    bucket->link = link;
    jsOptions js_options;
    jsOptions_Init(&js_options);
    js_options.Wait = std::chrono::milliseconds{kAskWait}.count();
    jsCtx* js = nullptr;
    auto status = natsConnection_JetStream(&js, link->connection(), &js_options);
    bucket->js.reset(js);
    kvStore* kv = nullptr;
    if (status == NATS_OK) status = js_KeyValue(&kv, js, kBucket);
    if (status == NATS_NOT_FOUND) {
        kvConfig config;
        kvConfig_Init(&config);
        config.Bucket = kBucket;
        config.Description = "Carillon's gateways and where they are";
        config.History = 1;
        config.TTL = std::chrono::nanoseconds{options_.node_ttl}.count();
        config.StorageType = js_FileStorage;
        config.Replicas = options_.node_replicas;
        status = js_CreateKeyValue(&kv, js, &config);
        // Another gateway was quicker.
        if (status != NATS_OK && js_KeyValue(&kv, js, kBucket) == NATS_OK) status = NATS_OK;
    }
    bucket->kv.reset(kv);
    if (status != NATS_OK) {
        if (!link->closed()) tell("the registry of gateways cannot be opened", status);
        return false;
    }
    bucket_ = std::move(bucket);
    look_at_age();
    return true;
}

/// A bucket that was made by somebody else may forget sooner, or never.
void NatsNodeRegistry::look_at_age() {
    kvStatus* raw = nullptr;
    if (kvStore_Status(&raw, bucket_->kv.get()) != NATS_OK) return;
    const auto ttl = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds{kvStatus_TTL(raw)});
    kvStatus_Destroy(raw);
    bucket_ttl_ = ttl.count() > 0 ? ttl : options_.node_ttl;
    if (ttl == options_.node_ttl || std::exchange(age_told_, true)) return;
    base::log_warn(
        "the registry of gateways has another age and is used as it is",
        {{"bucket", kBucket},
         {"age_ms", ttl.count()},
         {"wanted_ms", options_.node_ttl.count()},
         {"do", "nothing, if that is meant; else `nats kv del " + std::string{kBucket} + "`: it is made anew"}});
}

bool NatsNodeRegistry::write(const Node& self) {
    const auto status = kvStore_PutString(nullptr, bucket_->kv.get(), self.id.c_str(), self.url.c_str());
    if (status == NATS_OK) {
        keeper_->log().clear(kTopic, "the registry of gateways works again");
        return true;
    }
    if (!bucket_->link->closed()) tell("a gateway cannot write where it is", status);
    bucket_.reset();  // it may have been deleted: look for it, and make it, anew
    return false;
}

void NatsNodeRegistry::look_up(const std::string& id) {
    Found found = std::optional<std::string>{};
    auto kept = std::chrono::milliseconds{kAbsenceKept};
    kvEntry* raw = nullptr;
    // A bucket that was lost a moment ago, by a failed write, answers nobody.
    const auto status = bucket_ ? kvStore_Get(&raw, bucket_->kv.get(), id.c_str()) : NATS_CONNECTION_CLOSED;
    const std::unique_ptr<kvEntry, KvDeleter> entry{raw};
    if (status == NATS_OK) {
        found = std::optional<std::string>{
            std::string{static_cast<const char*>(kvEntry_Value(raw)), static_cast<std::size_t>(kvEntry_ValueLen(raw))}};
        kept = std::min(options_.node_ttl, bucket_ttl_) / 2;
    } else if (status != NATS_NOT_FOUND) {
        if (bucket_ && !bucket_->link->closed()) tell("the registry of gateways does not answer", status);
        bucket_.reset();
        found = errc::unavailable;
    }
    std::vector<loop::Resume<Found>> waiting;
    {
        const std::lock_guard lock{mutex_};
        const auto asking = asking_.find(id);
        if (asking != asking_.end()) {
            waiting = std::move(asking->second);
            waiting_ -= waiting.size();
            asking_.erase(asking);
        }
        if (known_.size() >= kKnownMax) known_.clear();
        if (found) known_[id] = {*found, std::chrono::steady_clock::now() + kept};
    }
    for (const auto& one : waiting) one(found);
}

void NatsNodeRegistry::tell(const char* what, natsStatus status) {
    natsStatus last = status;
    const char* text = nats_GetLastError(&last);
    std::string detail = natsStatus_GetText(status);
    if (text != nullptr && *text != '\0') detail += std::string{": "} + text;
    keeper_->log().raise(kTopic, what, std::move(detail),
                         "nothing, if it comes back soon; else see the NATS section of docs/operations.md. Until then "
                         "polling clients need sticky sessions");
}

}  // namespace carillon::bus
