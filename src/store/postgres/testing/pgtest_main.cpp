#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "store/postgres/testing/postgres_server.hpp"

// The main of all *_pgtest.cpp: one server for the whole program.
namespace carillon::store::testing {
namespace {

std::unique_ptr<PostgresServer>& server() {
    static std::unique_ptr<PostgresServer> one;
    return one;
}

class StopServer final : public ::testing::Environment {
 public:
    void TearDown() override { server().reset(); }
};

}  // namespace

PostgresServer& postgres_server() {
    if (!server()) server() = std::make_unique<PostgresServer>();
    return *server();
}

}  // namespace carillon::store::testing

int main(int argc, char** argv) {
    ::testing::InitGoogleMock(&argc, argv);
    ::testing::AddGlobalTestEnvironment(new carillon::store::testing::StopServer);
    return RUN_ALL_TESTS();
}
