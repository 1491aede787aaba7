#include "collectors/process/interrupt_flags.h"

#include <algorithm>
#include <cstdint>

#include <gtest/gtest.h>

#include "tests/collectors/process/support.h"

namespace pghang {
namespace {

using testing::FakeMemory;

TEST(InterruptFlags, AVariableIsAsWideAsItsSymbol) {
  FakeMemory memory;
  memory.put(0x1000, "\x01\xff\xff\xff\xff\xff\xff\xff");
  const VariableAddresses ten{{"ProcDiePending", {0x1000, 1}}};
  EXPECT_EQ(read_interrupt_flags(memory, ten).value().proc_die_pending, 1);
  const VariableAddresses twelve{{"ProcDiePending", {0x1000, 4}}};
  EXPECT_EQ(read_interrupt_flags(memory, twelve).value().proc_die_pending, 0xffffff01);
  const VariableAddresses two{{"ProcDiePending", {0x1000, 2}}};
  EXPECT_EQ(read_interrupt_flags(memory, two).value().proc_die_pending, 0xff01);
}

TEST(InterruptFlags, ReadsEachVariableIntoItsOwnField) {
  FakeMemory memory;
  VariableAddresses addresses;
  const std::vector<std::string> names{
      "InterruptPending",
      "QueryCancelPending",
      "ProcDiePending",
      "InterruptHoldoffCount",
      "QueryCancelHoldoffCount",
      "CritSectionCount",
      "proc_exit_inprogress",
      "ClientAuthInProgress",
      "ShutdownRequestPending",
      "MyBackendType"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    memory.put_value(0x1000 + 16 * i, static_cast<std::uint32_t>(i + 1));
    addresses[names[i]] = {0x1000 + 16 * i, 4};
  }
  const InterruptFlags flags = read_interrupt_flags(memory, addresses).value();
  EXPECT_EQ(flags.interrupt_pending, 1);
  EXPECT_EQ(flags.query_cancel_pending, 2);
  EXPECT_EQ(flags.proc_die_pending, 3);
  EXPECT_EQ(flags.interrupt_holdoff_count, 4);
  EXPECT_EQ(flags.query_cancel_holdoff_count, 5);
  EXPECT_EQ(flags.crit_section_count, 6);
  EXPECT_EQ(flags.proc_exit_inprogress, 7);
  EXPECT_EQ(flags.client_auth_in_progress, 8);
  EXPECT_EQ(flags.shutdown_request_pending, 9);
  EXPECT_EQ(flags.my_backend_type, 10);
  EXPECT_FALSE(flags.wait_event_info);
}

TEST(InterruptFlags, OnlyTheBackendTypeIsSigned) {
  FakeMemory memory;
  memory.put_value(0x1000, std::int32_t{-1});
  const VariableAddresses addresses{
      {"MyBackendType", {0x1000, 4}},
      {"CritSectionCount", {0x1000, 4}}};
  const InterruptFlags flags = read_interrupt_flags(memory, addresses).value();
  EXPECT_EQ(flags.my_backend_type, -1);
  EXPECT_EQ(flags.crit_section_count, 0xffffffff);
}

TEST(InterruptFlags, FollowsThePointerToTheWaitEvent) {
  FakeMemory memory;
  memory.put_value(0x1000, std::uint64_t{0x2000});
  memory.put_value(0x2000, std::uint32_t{0x0a000005});
  const VariableAddresses addresses{{"my_wait_event_info", {0x1000, 8}}};
  EXPECT_EQ(read_interrupt_flags(memory, addresses).value().wait_event_info, 0x0a000005U);
}

TEST(InterruptFlags, AWaitEventPointerThatLeadsNowhereGivesNone) {
  FakeMemory memory;
  memory.put_value(0x1000, std::uint64_t{0});
  memory.put_value(0x1100, std::uint64_t{0xdead0000});
  const VariableAddresses null{{"my_wait_event_info", {0x1000, 8}}};
  const VariableAddresses wild{{"my_wait_event_info", {0x1100, 8}}};
  EXPECT_FALSE(read_interrupt_flags(memory, null).value().wait_event_info);
  EXPECT_FALSE(read_interrupt_flags(memory, wild).value().wait_event_info);
}

TEST(InterruptFlags, AVariableThatTheVersionLacksStaysAbsent) {
  EXPECT_EQ(read_interrupt_flags(FakeMemory(), {}).value(), InterruptFlags());
}

TEST(InterruptFlags, AWidthThatNoVersionHasIsNotGuessed) {
  FakeMemory memory;
  memory.put(0x1000, "\x01\x02\x03");
  const VariableAddresses addresses{{"ProcDiePending", {0x1000, 3}}};
  EXPECT_FALSE(read_interrupt_flags(memory, addresses).value().proc_die_pending);
}

TEST(InterruptFlags, HandsOnWhyMemoryCannotBeRead) {
  FakeMemory memory;
  memory.fail({Errc::permission_denied, "no"});
  const VariableAddresses addresses{{"ProcDiePending", {0x1000, 4}}};
  EXPECT_EQ(read_interrupt_flags(memory, addresses).error().code, Errc::permission_denied);
}

TEST(InterruptFlags, ACutVariableIsAnError) {
  FakeMemory memory;
  memory.put(0x1000, "\x01\x02");
  const VariableAddresses addresses{{"ProcDiePending", {0x1000, 4}}};
  EXPECT_EQ(read_interrupt_flags(memory, addresses).error().code, Errc::io);
}

TEST(InterruptFlags, TheNamesHoldWhatRecognisesPostgres) {
  const auto& names = interrupt_variable_names();
  for (const char* name :
       {"InterruptPending", "ProcDiePending", "PostmasterPid", "my_wait_event_info"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
}

}  // namespace
}  // namespace pghang
