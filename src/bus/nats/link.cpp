#include "bus/nats/link.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <mutex>

namespace carillon::bus {
namespace {

constexpr std::int64_t kConnectTimeoutMs = 3'000;
/// A connection that is cut without a word is noticed within three of these.
constexpr std::int64_t kPingIntervalMs = 2'000;
constexpr int kPingsOutMax = 2;
constexpr std::int64_t kWriteDeadlineMs = 5'000;

/// cnats keeps the pointer it calls back with for an unknown time after the connection has gone, so it gets a number,
/// by which the link is found while it lives.
class Registry {
 public:
    std::uint64_t add(std::weak_ptr<Link> link) {
        const std::lock_guard lock{mutex_};
        links_.emplace(++last_id_, std::move(link));
        return last_id_;
    }
    void remove(std::uint64_t id) {
        const std::lock_guard lock{mutex_};
        links_.erase(id);
    }
    std::shared_ptr<Link> find(void* closure) {
        const std::lock_guard lock{mutex_};
        const auto found = links_.find(reinterpret_cast<std::uint64_t>(closure));
        return found == links_.end() ? nullptr : found->second.lock();
    }

 private:
    std::mutex mutex_;
    std::map<std::uint64_t, std::weak_ptr<Link>> links_;
    std::uint64_t last_id_ = 0;
};

Registry& registry() {
    static Registry links;
    return links;
}

void* closure_of(std::uint64_t id) {
    return reinterpret_cast<void*>(id);
}

bool wants_tls(const NatsOptions& options) {
    return !options.tls_ca_file.empty() || !options.tls_certificate_file.empty() ||
           std::any_of(options.urls.begin(), options.urls.end(),
                       [](const std::string& url) { return url.starts_with("tls://"); });
}

/// The first failure of several steps.
class Steps {
 public:
    void then(natsStatus status) {
        if (status_ == NATS_OK) status_ = status;
    }
    natsStatus status() const { return status_; }

 private:
    natsStatus status_ = NATS_OK;
};

LinkFailure failure(natsStatus status) {
    natsStatus last = status;
    const char* text = nats_GetLastError(&last);
    std::string detail = natsStatus_GetText(status);
    if (text != nullptr && *text != '\0') detail += std::string{": "} + text;
    return {status, std::move(detail)};
}

void set_tls(Steps& steps, natsOptions* options, const NatsOptions& given) {
    steps.then(natsOptions_SetSecure(options, true));
    if (!given.tls_ca_file.empty()) {
        steps.then(natsOptions_LoadCATrustedCertificates(options, given.tls_ca_file.c_str()));
    }
    if (!given.tls_certificate_file.empty()) {
        steps.then(
            natsOptions_LoadCertificatesChain(options, given.tls_certificate_file.c_str(), given.tls_key_file.c_str()));
    }
}

}  // namespace

base::Result<std::shared_ptr<Link>, LinkFailure> Link::open(const NatsOptions& given, LinkEvents events) {
    std::shared_ptr<Link> link{new Link{std::move(events)}};
    link->id_ = registry().add(link);

    natsOptions* raw = nullptr;
    Steps steps;
    steps.then(natsOptions_Create(&raw));
    const OptionsHandle options{raw};
    if (steps.status() != NATS_OK) return failure(steps.status());

    std::vector<const char*> urls;
    for (const auto& url : given.urls) urls.push_back(url.c_str());
    steps.then(natsOptions_SetServers(raw, urls.data(), static_cast<int>(urls.size())));
    steps.then(natsOptions_SetName(raw, given.client_name.c_str()));
    steps.then(natsOptions_SetTimeout(raw, kConnectTimeoutMs));
    steps.then(natsOptions_SetPingInterval(raw, kPingIntervalMs));
    steps.then(natsOptions_SetMaxPingsOut(raw, kPingsOutMax));
    steps.then(natsOptions_SetWriteDeadline(raw, kWriteDeadlineMs));
    steps.then(natsOptions_SetAllowReconnect(raw, false));
    // Without it a thread of cnats collects writes for a millisecond.
    steps.then(natsOptions_SetSendAsap(raw, true));
    steps.then(natsOptions_SetClosedCB(raw, &Link::on_closed, closure_of(link->id_)));
    steps.then(natsOptions_SetErrorHandler(raw, &Link::on_error, closure_of(link->id_)));
    if (!given.credentials_file.empty()) {
        steps.then(natsOptions_SetUserCredentialsFromFiles(raw, given.credentials_file.c_str(), nullptr));
    }
    if (wants_tls(given)) set_tls(steps, raw, given);
    if (steps.status() == NATS_OK) steps.then(natsConnection_Connect(&link->connection_, raw));
    if (steps.status() != NATS_OK) return failure(steps.status());

    jsOptions js_options;
    jsOptions_Init(&js_options);
    js_options.Wait = given.request_timeout.count();
    jsCtx* js = nullptr;
    steps.then(natsConnection_JetStream(&js, link->connection_, &js_options));
    link->js_.reset(js);
    link->ack_prefix_ = new_inbox() + '.';
    if (link->events_.on_acknowledgement && steps.status() == NATS_OK) {
        // Asynchronous, because NextMsg swallows the messages that say that nobody is there.
        natsSubscription* acks = nullptr;
        steps.then(natsConnection_Subscribe(&acks, link->connection_, (link->ack_prefix_ + '*').c_str(),
                                            &Link::on_answer, closure_of(link->id_)));
        link->acks_ = own_subscription(acks);
        if (acks != nullptr) steps.then(natsSubscription_SetPendingLimits(acks, -1, -1));
    }
    if (steps.status() != NATS_OK) return failure(steps.status());
    return link;
}

Link::~Link() {
    registry().remove(id_);
    acks_.reset();
    js_.reset();
    natsConnection_Destroy(connection_);
}

void Link::close() {
    closed_ = true;
    natsConnection_Close(connection_);
}

std::string Link::url() const {
    char text[256] = "";
    natsConnection_GetConnectedUrl(connection_, text, sizeof text);
    return without_credentials(text);
}

std::string Link::server() const {
    char text[128] = "";
    natsConnection_GetConnectedServerId(connection_, text, sizeof text);
    return text;
}

natsStatus Link::send(const Outgoing& message, const std::string& reply) {
    natsMsg* raw = nullptr;
    Steps steps;
    steps.then(natsMsg_Create(&raw, message.subject.c_str(), reply.empty() ? nullptr : reply.c_str(),
                              message.payload.data(), static_cast<int>(message.payload.size())));
    const MsgHandle owned{raw};
    for (const auto& [name, value] : message.headers) {
        if (steps.status() == NATS_OK) steps.then(natsMsgHeader_Set(raw, name, value.c_str()));
    }
    if (steps.status() == NATS_OK) steps.then(natsConnection_PublishMsg(connection_, raw));
    return steps.status();
}

natsStatus Link::send_text(std::string_view subject, std::string_view reply, std::string_view text) {
    const std::string to{subject};
    if (reply.empty())
        return natsConnection_Publish(connection_, to.c_str(), text.data(), static_cast<int>(text.size()));
    const std::string answer_to{reply};
    return natsConnection_PublishRequest(connection_, to.c_str(), answer_to.c_str(), text.data(),
                                         static_cast<int>(text.size()));
}

SubscriptionHandle Link::subscribe(const std::string& subject) {
    natsSubscription* subscription = nullptr;
    if (natsConnection_SubscribeSync(&subscription, connection_, subject.c_str()) != NATS_OK) return nullptr;
    // What waits is bounded by those who ask for it: pull requests, flow control and publishes in flight.
    natsSubscription_SetPendingLimits(subscription, -1, -1);
    return own_subscription(subscription);
}

std::string Link::new_inbox() {
    natsInbox* inbox = nullptr;
    [[maybe_unused]] const auto status = natsInbox_Create(&inbox);
    assert(status == NATS_OK);
    const InboxHandle owned{inbox};
    return inbox;
}

void Link::on_closed(natsConnection*, void* closure) {
    const auto link = registry().find(closure);
    if (!link) return;
    link->closed_ = true;
    if (link->events_.on_closed) link->events_.on_closed();
}

void Link::on_error(natsConnection* connection, natsSubscription*, natsStatus status, void* closure) {
    if (status != NATS_NOT_PERMITTED) return;  // The others end in a closed link or a timeout, and are told there.
    const auto link = registry().find(closure);
    if (!link || !link->events_.on_not_permitted) return;
    const char* text = nullptr;
    natsConnection_GetLastError(connection, &text);
    link->events_.on_not_permitted(text == nullptr ? std::string{} : std::string{text});
}

void Link::on_answer(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
    const MsgHandle owned{message};
    const auto link = registry().find(closure);
    if (!link) return;
    std::string_view subject = natsMsg_GetSubject(message);
    if (!subject.starts_with(link->ack_prefix_)) return;
    subject.remove_prefix(link->ack_prefix_.size());
    link->events_.on_acknowledgement(subject, message);
}

std::string without_credentials(std::string_view url) {
    const auto scheme = url.find("://");
    const auto begin = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto at = url.rfind('@');
    if (at == std::string_view::npos || at < begin) return std::string{url};
    return std::string{url.substr(0, begin)} + std::string{url.substr(at + 1)};
}

}  // namespace carillon::bus
