#pragma once

/// The suites' tests are in several files of a static library; calling these links the others in.
namespace carillon::store::testing {

void link_notification_paging_conformance();
void link_notification_storm_conformance();
void link_idempotency_conformance();
void link_user_data_conformance();
void link_session_conformance();

}  // namespace carillon::store::testing
