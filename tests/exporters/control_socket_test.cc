#include "exporters/http/control_socket.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace pghang {
namespace {

class ControlSocket : public ::testing::Test {
 protected:
  ControlSocket() {
    std::string name = "/tmp/pghang-control-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/control.sock";
  }

  ~ControlSocket() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }

  [[nodiscard]] auto open() { return open_control_socket(loop_.get_executor(), path_); }

  boost::asio::io_context loop_;
  std::string folder_;
  std::string path_;
};

TEST_F(ControlSocket, IsForItsOwnerAndGroupOnly) {
  const auto opened = open();
  ASSERT_TRUE(opened) << opened.error().context;

  struct stat there {};

  ASSERT_EQ(::stat(path_.c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777U, 0660U);
  EXPECT_NE(::access((path_ + ".new").c_str(), F_OK), 0);
}

TEST_F(ControlSocket, OneThatNobodyListensAtIsReplaced) {
  { ASSERT_TRUE(open()); }  // closed, and its name is still there
  ASSERT_EQ(::access(path_.c_str(), F_OK), 0);
  EXPECT_TRUE(open());
}

TEST_F(ControlSocket, OneThatIsListenedAtIsLeftAlone) {
  const auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_NE(second.error().context.find(path_), std::string::npos);
}

TEST_F(ControlSocket, AFileIsNeverReplaced) {
  std::ofstream(path_) << "precious";
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::busy);
  EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
}

TEST_F(ControlSocket, APathTooLongOrMissingIsSaidSo) {
  path_ = folder_ + "/" + std::string(120, 'x');
  EXPECT_EQ(open().error().code, Errc::malformed);
  path_ = folder_ + "/missing/control.sock";
  EXPECT_NE(open().error().context.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace pghang
