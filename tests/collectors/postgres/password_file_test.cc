#include "collectors/postgres/password_file.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/collectors/postgres/scoped_variable.h"

namespace pghang {
namespace {

class PasswordFile : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/password";
  }

  void TearDown() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }

  void write(const std::string& content) const {
    std::ofstream(path_, std::ios::binary) << content;
  }

  [[nodiscard]] const std::string& folder() const { return folder_; }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string folder_ = "/tmp/pghang_password.XXXXXX";
  std::string path_;
};

TEST_F(PasswordFile, LineEndIsNotPartOfThePassword) {
  for (const char* content : {"s3 cret", "s3 cret\n", "s3 cret\r\n"}) {
    write(content);
    EXPECT_EQ(*read_password_file(path()), "s3 cret");
  }
}

TEST_F(PasswordFile, CredentialsDirectoryIsExpanded) {
  write("s3cret\n");
  const tests::ScopedVariable credentials("CREDENTIALS_DIRECTORY", folder());
  EXPECT_EQ(*read_password_file("${CREDENTIALS_DIRECTORY}/password"), "s3cret");
}

TEST_F(PasswordFile, MissingCredentialsDirectorySaysWhatToDo) {
  const Result<std::string> password = read_password_file("${CREDENTIALS_DIRECTORY}/password");
  ASSERT_FALSE(password);
  EXPECT_EQ(password.error().code, Errc::not_found);
  EXPECT_NE(password.error().context.find("LoadCredential="), std::string::npos);
}

TEST_F(PasswordFile, MissingFileNamesThePath) {
  const Result<std::string> password = read_password_file(path());
  ASSERT_FALSE(password);
  EXPECT_EQ(password.error().code, Errc::not_found);
  EXPECT_NE(password.error().context.find(path()), std::string::npos);
}

TEST_F(PasswordFile, ContentThatIsNoPasswordIsMalformedAndNotShown) {
  for (const std::string& content :
       {std::string(),
        std::string("\n"),
        std::string("one\ntwo\n"),
        std::string("a\0b", 3),
        std::string(4097, 'x')}) {
    write(content);
    const Result<std::string> password = read_password_file(path());
    ASSERT_FALSE(password) << content.size();
    EXPECT_EQ(password.error().code, Errc::malformed);
    EXPECT_EQ(password.error().context.find("two"), std::string::npos);
  }
}

TEST_F(PasswordFile, FolderIsAnIoError) {
  const Result<std::string> password = read_password_file(folder());
  ASSERT_FALSE(password);
  EXPECT_EQ(password.error().code, Errc::io);
}

}  // namespace
}  // namespace pghang
