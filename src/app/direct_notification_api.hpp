#pragma once

#include "gateway/notification_api.hpp"
#include "notifications/notification_service.hpp"
#include "notifications/user_data_service.hpp"

namespace carillon::app {

/// `NotificationApi` within one process: calls the service on its own loop. The store bounds each call's time. What it
/// is given outlives it.
class DirectNotificationApi final : public gateway::NotificationApi {
 public:
    DirectNotificationApi(loop::Executor service_loop, notifications::NotificationService& service,
                          notifications::UserDataService& user_data);

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
    // Constant after construction.
    const loop::Executor service_loop_;
    notifications::NotificationService& service_;
    notifications::UserDataService& user_data_;
};

}  // namespace carillon::app
