#include "collectors/process/target_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <gtest/gtest.h>

#include "tests/collectors/process/support.h"

namespace pghang {
namespace {

using testing::ChildProcess;
using testing::FakeMemory;

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer
  );  // NOLINT(*-reinterpret-cast): a number to read at
}

/// Two pages of which only the first can be read, filled with `x`.
class HalfReadable : public ::testing::Test {
 protected:
  void SetUp() override {
    void* memory =
        ::mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    bytes_ = static_cast<char*>(memory);
    ASSERT_EQ(::mprotect(bytes_ + page_, page_, PROT_NONE), 0);
    std::memset(bytes_, 'x', page_);
  }

  void TearDown() override { ::munmap(bytes_, 2 * page_); }

  const std::size_t page_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  char* bytes_ = nullptr;
};

TEST_F(HalfReadable, AReadPastTheEndReturnsWhatCame) {
  std::array<std::byte, 100> buffer{};
  const auto got =
      ProcessMemory(::getpid()).read(address_of(bytes_) + page_ - 10, std::span(buffer));
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 10U);
  EXPECT_EQ(buffer[9], std::byte{'x'});
}

TEST_F(HalfReadable, AReadBehindTheEndIsAnError) {
  std::array<std::byte, 8> buffer{};
  const auto got = ProcessMemory(::getpid()).read(address_of(bytes_) + page_, std::span(buffer));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::io);
}

TEST_F(HalfReadable, AStringEndsWhereMemoryEnds) {
  const auto text = read_string(ProcessMemory(::getpid()), address_of(bytes_) + page_ - 5, 4096);
  EXPECT_EQ(text.value(), "xxxxx");
}

TEST_F(HalfReadable, ReadsTheMemoryOfAnotherProcess) {
  const ChildProcess child([this] {
    std::memcpy(bytes_, "of the child", sizeof "of the child");
    ::pause();
  });
  ASSERT_TRUE(testing::blocks_in(child.pid(), "pause"));
  const auto text = read_string(ProcessMemory(child.pid()), address_of(bytes_), 4096);
  EXPECT_EQ(text.value(), "of the child");
}

TEST(TargetMemory, AProcessThatIsGoneIsNotFound) {
  ChildProcess child([] { ::pause(); });
  const pid_t pid = child.pid();
  child.end();
  std::array<std::byte, 8> buffer{};
  const auto got = ProcessMemory(pid).read(address_of(&buffer), std::span(buffer));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::not_found);
}

TEST(TargetMemory, AStringCrossesPagesAndStopsAtItsLimit) {
  FakeMemory memory;
  memory.put(0xff0, std::string(5000, 'a') + '\0' + "rest");
  EXPECT_EQ(read_string(memory, 0xff0, 8192).value(), std::string(5000, 'a'));
  EXPECT_EQ(read_string(memory, 0xff0, 4200).value(), std::string(4200, 'a'));
}

TEST(TargetMemory, AnEmptyStringIsAString) {
  FakeMemory memory;
  memory.put(0x1000, std::string(8, '\0'));
  EXPECT_EQ(read_string(memory, 0x1000, 100).value(), "");
  EXPECT_FALSE(read_string(memory, 0, 100));
}

}  // namespace
}  // namespace pghang
