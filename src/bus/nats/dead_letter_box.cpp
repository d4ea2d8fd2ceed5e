#include "bus/nats/dead_letter_box.hpp"

#include <algorithm>
#include <charconv>

#include "bus/nats/dead_letter_message.hpp"
#include "bus/nats/delivery_of.hpp"
#include "bus/nats/link.hpp"
#include "bus/nats/streams.hpp"

namespace carillon::bus {
namespace {

const char* kStream = stream_text(StreamName::dead_letter);

std::uint64_t number_in(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

KeptLetter letter_of(natsMsg* message) {
    KeptLetter letter;
    letter.number = natsMsg_GetSequence(message);
    letter.kept_at = base::TimePoint{
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds{natsMsg_GetTime(message)})};
    letter.subject = header_of(message, dead_letter_header::kSubject);
    letter.message_id = header_of(message, dead_letter_header::kMessageId);
    letter.stream = header_of(message, dead_letter_header::kStream);
    letter.sequence = number_in(header_of(message, dead_letter_header::kSequence));
    letter.deliveries = static_cast<std::uint32_t>(number_in(header_of(message, dead_letter_header::kDeliveries)));
    letter.reason = header_of(message, dead_letter_header::kReason);
    letter.traceparent = header_of(message, header::kTraceparent);
    letter.payload = payload_of(message);
    return letter;
}

std::string explain(natsStatus status, int code) {
    const auto advice = advice_for(status, code);
    natsStatus last = status;
    const char* text = nats_GetLastError(&last);
    std::string reason = natsStatus_GetText(status);
    if (text != nullptr && *text != '\0') reason = text;
    return std::string{advice.what} + ": " + reason + " (" + std::string{advice.advice} + ")";
}

}  // namespace

struct DeadLetterBox::Impl {
    NatsOptions options;
    std::shared_ptr<Link> link;
};

DeadLetterBox::DeadLetterBox(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
DeadLetterBox::~DeadLetterBox() = default;

DeadLetterBox::Answer<std::unique_ptr<DeadLetterBox>> DeadLetterBox::open(NatsOptions options) {
    auto impl = std::make_unique<Impl>();
    impl->options = std::move(options);
    auto link = Link::open(impl->options, {});
    if (!link) {
        std::string urls;
        for (const auto& url : impl->options.urls) urls += (urls.empty() ? "" : ",") + without_credentials(url);
        return "--nats-url: cannot connect to " + urls + ": " + link.error().detail;
    }
    impl->link = *link;
    return std::unique_ptr<DeadLetterBox>{new DeadLetterBox{std::move(impl)}};
}

DeadLetterBox::Answer<std::vector<KeptLetter>> DeadLetterBox::list(std::size_t limit) {
    std::vector<KeptLetter> letters;
    jsStreamInfo* raw = nullptr;
    auto code = static_cast<jsErrCode>(0);
    const auto status = js_GetStreamInfo(&raw, impl_->link->js(), kStream, nullptr, &code);
    const StreamInfoHandle info{raw};
    if (code == JSStreamNotFoundErr) return letters;
    if (status != NATS_OK) return explain(status, code);
    for (auto number = info->State.LastSeq; number >= info->State.FirstSeq && number > 0; --number) {
        if (letters.size() >= std::min<std::uint64_t>(limit, info->State.Msgs)) break;
        auto letter = find(number);
        if (!letter) return letter.error();
        if (*letter) letters.push_back(std::move(**letter));
    }
    std::reverse(letters.begin(), letters.end());
    return letters;
}

DeadLetterBox::Answer<std::optional<KeptLetter>> DeadLetterBox::find(std::uint64_t number) {
    natsMsg* raw = nullptr;
    auto code = static_cast<jsErrCode>(0);
    const auto status = js_GetMsg(&raw, impl_->link->js(), kStream, number, nullptr, &code);
    const MsgHandle message{raw};
    if (status == NATS_OK) return letter_of(raw);
    if (status == NATS_NOT_FOUND || code == JSNoMessageFoundErr || code == JSStreamNotFoundErr) {
        return std::optional<KeptLetter>{};
    }
    return explain(status, code);
}

DeadLetterBox::Answer<void> DeadLetterBox::replay(const KeptLetter& letter) {
    natsMsg* raw = nullptr;
    auto status = natsMsg_Create(&raw, letter.subject.c_str(), nullptr, letter.payload.data(),
                                 static_cast<int>(letter.payload.size()));
    const MsgHandle message{raw};
    const auto id = "replay-" + std::to_string(letter.number);
    if (status == NATS_OK) status = natsMsgHeader_Set(raw, header::kMessageId, id.c_str());
    if (status == NATS_OK && !letter.traceparent.empty()) {
        status = natsMsgHeader_Set(raw, header::kTraceparent, letter.traceparent.c_str());
    }
    auto code = static_cast<jsErrCode>(0);
    if (status == NATS_OK) status = js_PublishMsg(nullptr, impl_->link->js(), raw, nullptr, &code);
    if (status != NATS_OK) return explain(status, code);
    status = js_DeleteMsg(impl_->link->js(), kStream, letter.number, nullptr, &code);
    if (status != NATS_OK && code != JSNoMessageFoundErr) return explain(status, code);
    return {};
}

}  // namespace carillon::bus
