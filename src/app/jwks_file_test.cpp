#include "app/jwks_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace carillon::app {
namespace {

using namespace std::chrono_literals;

// Ed25519, RFC 8037 appendix A.2, and a second one.
constexpr const char* kFirst = R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"first",)"
                               R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
constexpr const char* kSecond = R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"second",)"
                                R"("x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}]})";

/// Whether the verifier has a key of that name.
bool has_key(const token::JwksVerifier& verifier, const char* base64_header) {
    const auto refused = verifier.verify(std::string{base64_header} + ".e30." + std::string(86, 'A'), {});
    return refused.error() != token::errc::unknown_key;
}
// {"alg":"EdDSA","typ":"at+jwt","kid":"first"} and the same with "second"
constexpr const char* kSaysFirst = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImZpcnN0In0";
constexpr const char* kSaysSecond = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6InNlY29uZCJ9";

class JwksFileTest : public ::testing::Test {
 protected:
    JwksFileTest() {
        std::string name = (std::filesystem::temp_directory_path() / "carillon-jwks-XXXXXX").string();
        folder_ = mkdtemp(name.data());
        path_ = folder_ / "keys.json";
    }
    ~JwksFileTest() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& content) const { std::ofstream{path_} << content; }

    static bool soon(const std::function<bool()>& holds) {
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (!holds()) {
            if (std::chrono::steady_clock::now() > until) return false;
            std::this_thread::sleep_for(2ms);
        }
        return true;
    }

    std::filesystem::path folder_;
    std::filesystem::path path_;
};

TEST_F(JwksFileTest, TakesANewKeySetWithoutARestart) {
    write(kFirst);
    const auto verifier = token::make_jwks_verifier(kFirst, {});
    JwksFile file{path_, kFirst, *verifier, 5ms};
    file.start();
    EXPECT_TRUE(has_key(*verifier, kSaysFirst));
    EXPECT_FALSE(has_key(*verifier, kSaysSecond));
    write(kSecond);
    EXPECT_TRUE(soon([&] { return has_key(*verifier, kSaysSecond); }));
    EXPECT_FALSE(has_key(*verifier, kSaysFirst));
}

TEST_F(JwksFileTest, KeepsItsKeysWhileTheFileIsBadAndTakesTheNextGoodOne) {
    write(kFirst);
    const auto verifier = token::make_jwks_verifier(kFirst, {});
    JwksFile file{path_, kFirst, *verifier, 5ms};
    file.start();
    for (const std::string& bad : {std::string{R"({"keys":[)"}, std::string{R"({"keys":[]})"}, std::string{},
                                   std::string(300 * 1024, ' ') + kSecond}) {
        write(bad);
        std::this_thread::sleep_for(25ms);
        EXPECT_TRUE(has_key(*verifier, kSaysFirst));
        EXPECT_FALSE(has_key(*verifier, kSaysSecond));
    }
    std::filesystem::remove(path_);
    std::this_thread::sleep_for(25ms);
    EXPECT_TRUE(has_key(*verifier, kSaysFirst));
    write(kSecond);
    EXPECT_TRUE(soon([&] { return has_key(*verifier, kSaysSecond); }));
}

}  // namespace
}  // namespace carillon::app
