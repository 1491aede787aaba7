#include "diagnosis/wait_event_names.h"

#include <gtest/gtest.h>

#include "tests/diagnosis/evidence_builder.h"

namespace pghang {
namespace {

using tests::Given;

TEST(WaitEventName, IsSpelledAsTheMajorSpellsIt) {
  EXPECT_EQ(wait_event_name(0x0600'0001, 14), "Client/ClientWrite");
  EXPECT_EQ(wait_event_name(0x0600'0001, 18), "Client/ClientWrite");
  EXPECT_EQ(wait_event_name(0x0600'0002, 16), "Client/GSSOpenServer");
  EXPECT_EQ(wait_event_name(0x0600'0002, 17), "Client/GssOpenServer");
  EXPECT_EQ(wait_event_name(0x0300'0000, 15), "Lock/relation");
  EXPECT_EQ(wait_event_name(0x0100'0008, 15), "LWLock/WALWrite");
}

TEST(WaitEventName, HasOtherNumbersInOtherMajors) {
  EXPECT_EQ(wait_event_name(0x0600'0006, 16), "Client/WalSenderWaitForWAL");
  EXPECT_EQ(wait_event_name(0x0600'0006, 17), "Client/WaitForStandbyConfirmation");
}

TEST(WaitEventName, OfAnExtensionsLockIsItsNumber) {
  EXPECT_EQ(wait_event_name(0x0100'005F, 15), "LWLock/95");
  EXPECT_EQ(wait_event_name(0x0100'0000, 15), "LWLock/0");
}

TEST(WaitEventName, OfABufferPinIsTheSameForEveryNumber) {
  EXPECT_EQ(wait_event_name(0x0400'0000, 15), "BufferPin/BufferPin");
  EXPECT_EQ(wait_event_name(0x0400'0007, 15), "BufferPin/BufferPin");
}

TEST(WaitEventName, OfAnExtensionsEventIsItsNumberFrom17On) {
  EXPECT_EQ(wait_event_name(0x0700'0002, 16), "Extension/Extension");
  EXPECT_EQ(wait_event_name(0x0700'0000, 17), "Extension/Extension");
  EXPECT_EQ(wait_event_name(0x0700'0002, 17), "Extension/2");
  EXPECT_EQ(wait_event_name(0x0B00'0001, 18), "InjectionPoint/1");
}

TEST(WaitEventName, OfAnUnknownMajorIsTheClassAndANumber) {
  for (const int major : {0, 13, 19}) {
    EXPECT_EQ(wait_event_name(0x0800'000C, major), "IPC/12");
    EXPECT_EQ(wait_event_name(0x0A00'0010, major), "IO/16");
  }
  EXPECT_EQ(wait_event_name(0x0C00'0007, 18), "0x0C/7");
}

TEST(WaitEventName, IsEmptyWhenNothingIsWaitedFor) {
  EXPECT_EQ(wait_event_name(0, 15), "");
}

TEST(WaitEventInMemory, IsNamedByTheVersionOfTheExecutable) {
  const auto evidence = Given().capture([](Capture& c) { c.server_version = "17.10"; }
  ).latest([](Sample& s) {
     s.flags.wait_event_info = 0x0600'0002;
   }).evidence();
  EXPECT_EQ(wait_event_in_memory(evidence), "Client/GssOpenServer");
  EXPECT_EQ(no_wait_event_because(evidence), "");
}

TEST(WaitEventInMemory, IsNotToBeHadBefore14) {
  const auto of = [](const char* version) {
    return Given().capture([&](Capture& c) { c.server_version = version; }
    ).samples([](Sample& s) {
       s.flags.wait_event_info.reset();
     }).evidence();
  };
  EXPECT_EQ(wait_event_in_memory(of("13.23")), "");
  EXPECT_EQ(
      no_wait_event_because(of("13.23")),
      "PostgreSQL 13 exports no my_wait_event_info; 14 and later do"
  );
  EXPECT_EQ(no_wait_event_because(of("15.20")), "") << "a process without a PGPROC has none";
  EXPECT_EQ(no_wait_event_because(of("")), "");
}

}  // namespace
}  // namespace pghang
