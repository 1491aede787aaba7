#include "daemon/service/in_child.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace pghang {
namespace {

using std::chrono::milliseconds;

TEST(InChild, GivesWhatTheProbeSaid) {
  EXPECT_EQ(in_child([] { return std::string("0640"); }, milliseconds(5000)), "0640");
  EXPECT_EQ(in_child([] { return std::string(); }, milliseconds(5000)), "");
}

TEST(InChild, RunsInAnotherProcessWithoutOurDescriptors) {
  const std::string own = std::to_string(::getpid());
  const auto other = in_child([] { return std::to_string(::getpid()); }, milliseconds(5000));
  ASSERT_TRUE(other);
  EXPECT_NE(*other, own);
  const auto standard = in_child(
      [] {
        std::string target(64, '\0');
        const ssize_t length = ::readlink("/proc/self/fd/1", target.data(), target.size());
        target.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
        return target;
      },
      milliseconds(5000)
  );
  EXPECT_EQ(standard, "/dev/null");
}

TEST(InChild, DoesNotWaitForAProbeThatHangs) {
  EXPECT_EQ(
      in_child(
          [] {
            for (;;)
              ::pause();
            return std::string("never");
          },
          milliseconds(50)
      ),
      std::nullopt
  );
}

}  // namespace
}  // namespace pghang
