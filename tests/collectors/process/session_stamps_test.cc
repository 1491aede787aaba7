#include "collectors/process/session_stamps.h"

#include <array>
#include <cstring>
#include <functional>
#include <utility>

#include <gtest/gtest.h>

namespace pghang {
namespace {

constexpr std::uint64_t kPointer = 0x1000;
constexpr std::uint64_t kEntry = 0x2000;
constexpr pid_t kPid = 4711;

struct Entry {
  std::int32_t changecount = 2;
  std::int32_t procpid = kPid;
  std::int32_t backend_type = 4;
  std::int32_t padding = 0;
  std::int64_t proc_start = 100;
  std::int64_t xact_start = 200;
  std::int64_t activity_start = 300;
  std::int64_t state_start = 400;
};

/// A session's pointer and entry; `writer` changes the entry between two reads of it.
class SessionMemory final : public TargetMemory {
 public:
  std::uint64_t pointer = kEntry;
  mutable Entry entry;
  std::function<void(Entry&)> writer = [](Entry&) {
  };

  [[nodiscard]] Result<std::size_t> read(std::uint64_t address, std::span<std::byte> out)
      const override {
    if (address == kPointer) {
      std::memcpy(out.data(), &pointer, out.size());
    } else if (address == kEntry) {
      std::memcpy(out.data(), &entry, out.size());
      writer(entry);
    } else {
      return Error{Errc::io, "Bad address"};
    }
    return out.size();
  }
};

VariableAddresses known() {
  VariableAddresses addresses;
  addresses.emplace("MyBEEntry", VariableAddress{kPointer, 8});
  return addresses;
}

TEST(SessionStamps, AreThoseOfTheEntry) {
  const SessionMemory memory;
  const auto stamps = read_session_stamps(memory, known(), kPid);
  ASSERT_TRUE(stamps);
  EXPECT_EQ(*stamps, (SessionStamps{{100}, PgTimestamp{200}, PgTimestamp{300}, PgTimestamp{400}}));
}

TEST(SessionStamps, ZeroIsNullAsInPgStatActivity) {
  SessionMemory memory;
  memory.entry.xact_start = 0;
  EXPECT_EQ(read_session_stamps(memory, known(), kPid)->xact_start, std::nullopt);
}

TEST(SessionStamps, AnEntryOfAnotherProcessIsNone) {
  const SessionMemory memory;
  EXPECT_FALSE(read_session_stamps(memory, known(), kPid + 1));
}

TEST(SessionStamps, AnEntryThatIsBeingWrittenIsNone) {
  SessionMemory memory;
  memory.entry.changecount = 3;
  EXPECT_FALSE(read_session_stamps(memory, known(), kPid));
}

TEST(SessionStamps, AnEntryThatMovesAllTheTimeIsNone) {
  SessionMemory memory;
  memory.writer = [](Entry& entry) {
    entry.changecount += 2;
    ++entry.activity_start;
  };
  EXPECT_FALSE(read_session_stamps(memory, known(), kPid));
}

TEST(SessionStamps, AnEntryThatMovedOnceIsReadAgain) {
  SessionMemory memory;
  bool moved = false;
  memory.writer = [&](Entry& entry) {
    if (!std::exchange(moved, true)) entry.activity_start = 301;
  };
  EXPECT_EQ(read_session_stamps(memory, known(), kPid)->query_start, PgTimestamp{301});
}

TEST(SessionStamps, AProcessWithoutAnEntryHasNone) {
  SessionMemory memory;
  memory.pointer = 0;
  EXPECT_FALSE(read_session_stamps(memory, known(), kPid));
  EXPECT_FALSE(read_session_stamps(memory, {}, kPid));
  memory.pointer = 0x9999;
  EXPECT_FALSE(read_session_stamps(memory, known(), kPid));
}

}  // namespace
}  // namespace pghang
