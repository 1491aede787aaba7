#include <csignal>
#include <set>

#include <gtest/gtest.h>

#include "diagnosis/incident.h"
#include "diagnosis/signal_names.h"
#include "diagnosis/wait_event_names.h"
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

TEST(WaitEventClass, IsTheHighByteAndTheEventsNumber) {
  EXPECT_EQ(wait_event_class(0x0100'002A), "LWLock/42");
  EXPECT_EQ(wait_event_class(0x0300'0004), "Lock/4");
  EXPECT_EQ(wait_event_class(0x0400'0000), "BufferPin/0");
  EXPECT_EQ(wait_event_class(0x0500'0001), "Activity/1");
  EXPECT_EQ(wait_event_class(0x0600'0001), "Client/1");
  EXPECT_EQ(wait_event_class(0x0700'0000), "Extension/0");
  EXPECT_EQ(wait_event_class(0x0800'000C), "IPC/12");
  EXPECT_EQ(wait_event_class(0x0900'0003), "Timeout/3");
  EXPECT_EQ(wait_event_class(0x0A00'0010), "IO/16");
  EXPECT_EQ(wait_event_class(0x0B00'0000), "InjectionPoint/0");
}

TEST(WaitEventClass, IsEmptyWhenNothingIsWaitedFor) {
  EXPECT_EQ(wait_event_class(0), "");
}

TEST(WaitEventClass, OfALaterVersionIsItsNumber) {
  EXPECT_EQ(wait_event_class(0x0C00'0007), "0x0C/7");
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
