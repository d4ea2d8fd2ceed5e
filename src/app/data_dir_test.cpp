#include "app/data_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace carillon::app {
namespace {

namespace fs = std::filesystem;

class DataDirTest : public testing::Test {
 protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "carillon-data-XXXXXX").string();
        root_ = ::mkdtemp(name.data());
    }
    void TearDown() override { fs::remove_all(root_); }

    fs::path root_;
};

TEST_F(DataDirTest, MakesKeysOnceAndKeepsThemPrivate) {
    const auto first = DataDir::open(root_ / "data").keys();
    const auto second = DataDir::open(root_ / "data").keys();
    EXPECT_EQ(first.jwt_secret, second.jwt_secret);
    EXPECT_EQ(first.internal_secret, second.internal_secret);
    EXPECT_NE(first.jwt_secret, first.internal_secret);
    EXPECT_GE(first.jwt_secret.size(), 32U);
    struct stat info {};
    ASSERT_EQ(::stat((root_ / "data" / "jwt-secret").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat((root_ / "data").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST_F(DataDirTest, SaysWhichFolderCannotBeMade) {
    std::ofstream{root_ / "file"} << "x";
    try {
        DataDir::open(root_ / "file" / "data");
        FAIL() << "opened a folder below a file";
    } catch (const StartupError& error) {
        EXPECT_NE(std::string{error.what()}.find((root_ / "file" / "data").string()), std::string::npos)
            << error.what();
    }
    EXPECT_THROW(DataDir::open(root_ / "file"), StartupError);
}

TEST_F(DataDirTest, RefusesAKeyThatIsTooShort) {
    fs::create_directory(root_ / "data");
    std::ofstream{root_ / "data" / "jwt-secret"} << "short\n";
    EXPECT_THROW(DataDir::open(root_ / "data").keys(), StartupError);
}

}  // namespace
}  // namespace carillon::app
