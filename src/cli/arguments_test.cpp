#include "cli/arguments.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <map>

namespace carillon::cli {
namespace {

struct Parsed {
    int port = 3000;
    std::vector<std::string> origins;
    bool quiet = false;
};

class Arguments : public testing::Test {
 protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "carillon-toml-XXXXXX").string();
        const int file = ::mkstemp(name.data());
        ASSERT_GE(file, 0);
        ::close(file);
        file_ = name;
    }
    void TearDown() override { std::filesystem::remove(file_); }

    Parsed parse(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                 const std::string& toml = "") {
        std::ofstream{file_} << toml;
        Parsed parsed;
        CLI::App app;
        app.add_option("--port", parsed.port);
        app.add_option("--cors-origin", parsed.origins)->expected(1, 100);
        app.add_flag("--quiet", parsed.quiet);
        auto all = arguments;
        if (!toml.empty()) all.push_back("--config=" + file_);
        auto completed = complete_arguments(app, all, [&](const std::string& name) -> std::optional<std::string> {
            const auto found = environment.find(name);
            if (found == environment.end()) return std::nullopt;
            return found->second;
        });
        std::reverse(completed.begin(), completed.end());
        app.parse(completed);
        return parsed;
    }

    std::string file_;
};

TEST_F(Arguments, FlagBeatsEnvironmentBeatsFile) {
    EXPECT_EQ(parse({}, {}, "port = 1\n").port, 1);
    EXPECT_EQ(parse({}, {{"CARILLON_PORT", "2"}}, "port = 1\n").port, 2);
    EXPECT_EQ(parse({"--port", "3"}, {{"CARILLON_PORT", "2"}}, "port = 1\n").port, 3);
    EXPECT_EQ(parse({"--port=3"}, {{"CARILLON_PORT", "2"}}, "port = 1\n").port, 3);
}

TEST_F(Arguments, ListsAndSwitchesComeFromBoth) {
    const std::vector<std::string> both{"http://a", "http://b"};
    EXPECT_EQ(parse({}, {{"CARILLON_CORS_ORIGIN", "http://a,http://b"}}).origins, both);
    EXPECT_EQ(parse({}, {}, "cors-origin = [\"http://a\", \"http://b\"]\n").origins, both);
    EXPECT_TRUE(parse({}, {{"CARILLON_QUIET", "true"}}).quiet);
    EXPECT_TRUE(parse({}, {}, "quiet = true\n").quiet);
    EXPECT_FALSE(parse({}, {}, "quiet = false\n").quiet);
}

TEST_F(Arguments, AKeyThatNoOptionHasIsNamed) {
    try {
        parse({}, {}, "prot = 1\n");
        FAIL() << "took a key that is no option";
    } catch (const CLI::Error& error) {
        EXPECT_NE(std::string{error.what()}.find("'prot'"), std::string::npos) << error.what();
    }
    EXPECT_THROW(parse({}, {}, "port =\n"), CLI::Error);
    EXPECT_THROW(parse({"--config=" + std::filesystem::temp_directory_path().string()}, {}), CLI::Error);
    EXPECT_THROW(parse({}, {}, "[serve]\nport = 1\n"), CLI::Error);
    EXPECT_THROW(parse({"--config=/no/such/file"}, {}), CLI::Error);
    EXPECT_THROW(parse({}, {}, "port = [1, 2]\n"), CLI::Error);
    EXPECT_THROW(parse({}, {{"CARILLON_QUIET", "perhaps"}}), CLI::Error);
}

TEST_F(Arguments, AnEmptyVariableIsNone) {
    EXPECT_EQ(parse({}, {{"CARILLON_PORT", ""}}).port, 3000);
    EXPECT_EQ(parse({}, {{"CARILLON_PORT", ""}}, "port = 1\n").port, 1);
}

TEST_F(Arguments, VariablesThatNoOptionHasAreFound) {
    CLI::App one;
    CLI::App other;
    int port = 0;
    one.add_option("--auth-port", port);
    other.add_option("--port", port);
    const std::vector<std::string> names{
        "HOME", "CARILLON_PORT", "CARILLON_PROT", "CARILLON_AUTH_PORT", "CARILLON_CONFIG", "MY_CARILLON_X"};
    EXPECT_EQ(unknown_variables(names, {&one, &other}), std::vector<std::string>{"CARILLON_PROT"});
}

}  // namespace
}  // namespace carillon::cli
