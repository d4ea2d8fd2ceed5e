#pragma once

#include <memory>

#include "app/read_gatherer.hpp"
#include "app/service_client.hpp"
#include "gateway/notification_api.hpp"

namespace carillon::app {

/// `NotificationApi` over HTTP: the internal API of the notification service, wherever it runs. Reading is repeated on
/// another server when one fails; a change only when it was not sent, or carries an idempotency key. Marks that come at
/// once share requests. What it is given outlives it. Thread: any.
class HttpNotificationApi final : public gateway::NotificationApi {
 public:
    explicit HttpNotificationApi(ServiceClient& client);

    loop::Task<gateway::ApiResult<gateway::CreateAnswer>> create(gateway::Caller caller,
                                                                 gateway::NewNotification notification) override;
    loop::Task<gateway::ApiResult<gateway::NotificationPage>> list(gateway::Caller caller, std::uint32_t limit,
                                                                   std::string cursor, std::string status) override;
    loop::Task<gateway::ApiResult<contracts::Notification>> find(gateway::Caller caller,
                                                                 base::NotificationId id) override;
    loop::Task<gateway::ApiResult<std::vector<gateway::InboxCount>>> counts(std::vector<base::UserId> users) override;
    loop::Task<gateway::ApiResult<gateway::SyncAnswer>> sync(gateway::Caller caller, base::Version since,
                                                             std::uint32_t limit) override;
    loop::Task<gateway::ApiResult<gateway::MarkReadAnswer>> mark_read(gateway::Caller caller,
                                                                      base::NotificationId id) override;
    loop::Task<gateway::ApiResult<gateway::ReadAllAnswer>> read_all(gateway::Caller caller,
                                                                    std::optional<base::Version> before) override;
    loop::Task<gateway::ApiResult<std::string>> export_data(gateway::Caller caller, std::string cursor,
                                                            std::uint32_t limit) override;
    loop::Task<gateway::ApiResult<void>> erase_data(gateway::Caller caller) override;
    loop::Task<bool> ready() override;

 private:
    loop::Task<gateway::ApiResult<http::Response>> ask(http::Call call, std::string traceparent, int status);
    /// A change on behalf of the caller, with its idempotency key.
    loop::Task<gateway::ApiResult<http::Response>> change(http::Call call, gateway::Caller caller, int status);
    loop::Task<std::vector<ReadGatherer::Result>> send_reads(std::vector<contracts::ReadsItem> items);

    // Constant after construction.
    ServiceClient& client_;
    const std::shared_ptr<ReadGatherer> reads_;
};

}  // namespace carillon::app
