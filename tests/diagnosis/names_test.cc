#include <csignal>
#include <set>

#include <gtest/gtest.h>

#include "diagnosis/incident.h"
#include "diagnosis/signal_names.h"
#include "tests/diagnosis/evidence_builder.h"

namespace pghang {
namespace {

/// Every enumerator up to `last` has its own spelling.
template <typename Enum>
void expect_distinct_names(Enum last) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(last); ++i)
    names.insert(to_string(static_cast<Enum>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(last) + 1);
}

TEST(Names, AreDistinct) {
  expect_distinct_names(Cause::unknown);
  expect_distinct_names(Gate::exit);
  expect_distinct_names(Confidence::possible);
  expect_distinct_names(Stage::resolved);
  expect_distinct_names(Outcome::superseded);
}

TEST(Names, AreTheEnumeratorsOwnSpelling) {
  EXPECT_STREQ(to_string(Cause::uninterruptible_io), "uninterruptible_io");
  EXPECT_STREQ(to_string(Gate::service), "service");
  EXPECT_STREQ(to_string(Stage::cancel_sent), "cancel_sent");
  EXPECT_STREQ(to_string(Outcome::self_resolved), "self_resolved");
}

TEST(SignalNames, AreThoseOfTheSetsBits) {
  using tests::bit;
  EXPECT_EQ(
      signal_names(bit(SIGTERM) | bit(SIGINT) | bit(34)),
      (std::vector<std::string>{"SIGINT", "SIGTERM", "SIGRTMIN+2"})
  );
  EXPECT_TRUE(signal_names(0).empty());
}

TEST(SignalNames, NameEveryBit) {
  EXPECT_EQ(signal_names(~std::uint64_t{0}).size(), 64U);
}

}  // namespace
}  // namespace pghang
