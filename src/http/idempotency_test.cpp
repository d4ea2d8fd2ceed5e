#include "http/idempotency.hpp"

#include <gtest/gtest.h>

#include "http/router.hpp"

namespace carillon::http {
namespace {

Request with_key(std::string key) {
    Request request;
    request.headers.add("idempotency-key", std::move(key));
    return request;
}

TEST(IdempotencyKey, IsTakenAsItIs) {
    EXPECT_EQ(*idempotency_key_of(Request{}), "");
    for (const std::string& key : {std::string{"k"}, std::string{"!~\"quoted\"~"}, std::string(255, 'k')}) {
        EXPECT_EQ(*idempotency_key_of(with_key(key)), key);
    }
}

TEST(IdempotencyKey, IsRefusedWhenItIsNone) {
    for (const std::string& key : {std::string{}, std::string(256, 'k'), std::string{"two words"},
                                   std::string{"gr\xC3\xBC\xC3\x9F"}, std::string{"tab\tbed"}, std::string{"\x7F"}}) {
        EXPECT_EQ(idempotency_key_of(with_key(key)).error().status, 400) << key;
    }
    auto twice = with_key("k");
    twice.headers.add("Idempotency-Key", "k");
    EXPECT_EQ(idempotency_key_of(twice).error().status, 400);
}

TEST(IdempotencyKey, OfAReplayedProblemIsSaidInTheHead) {
    auto problem = contracts::problem_not_found();
    EXPECT_FALSE(problem_response(problem).headers.has("Idempotency-Replayed"));
    problem.replayed = true;
    EXPECT_EQ(problem_response(problem).headers.get("Idempotency-Replayed"), "true");
}

}  // namespace
}  // namespace carillon::http
