#include "collectors/evidence/archive.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

/// The encoding of files that outlive the program: what a later or an earlier program makes of
/// them.
namespace pghang {
namespace {

enum class Colour { red, green };

struct Inner {
  std::string name;
  std::optional<int> number;

  friend bool operator==(const Inner&, const Inner&) = default;
};

struct Today {
  int count = 1;
  Colour colour = Colour::red;
  std::vector<Inner> inner;
  std::optional<std::string> note;
  std::chrono::milliseconds took{0};
  bool done = false;

  friend bool operator==(const Today&, const Today&) = default;
};

/// Today with a field more, also inside.
struct LaterInner {
  std::string name;
  std::optional<int> number;
  double weight = 2.5;
};

struct Later {
  int count = 1;
  Colour colour = Colour::red;
  std::vector<LaterInner> inner;
  std::optional<std::string> note;
  std::chrono::milliseconds took{0};
  bool done = false;
  std::string added = "default";
};

Today some() {
  return {
      7,
      Colour::green,
      {{"a", 1}, {"", std::nullopt}},
      "",
      std::chrono::milliseconds(1500),
      true};
}

template <typename T>
std::string bytes_of(const T& value) {
  std::string bytes;
  archive::put(bytes, value);
  return bytes;
}

TEST(Archive, GivesBackWhatItWasGiven) {
  Today read;
  ASSERT_TRUE(archive::get(bytes_of(some()), read));
  EXPECT_EQ(read, some());
}

TEST(Archive, AnEmptyTextIsNotAnAbsentOne) {
  Today read;
  ASSERT_TRUE(archive::get(bytes_of(Today{}), read));
  EXPECT_FALSE(read.note.has_value());
  ASSERT_TRUE(archive::get(bytes_of(some()), read));
  EXPECT_EQ(read.note, "");
}

TEST(Archive, ALaterProgramFindsItsNewFieldsAtTheirDefaults) {
  Later read;
  ASSERT_TRUE(archive::get(bytes_of(some()), read));
  EXPECT_EQ(read.count, 7);
  EXPECT_EQ(read.added, "default");
  ASSERT_EQ(read.inner.size(), 2U);
  EXPECT_EQ(read.inner[0].name, "a");
  EXPECT_EQ(read.inner[0].weight, 2.5);
}

TEST(Archive, AnEarlierProgramSkipsFieldsItDoesNotKnow) {
  Later later;
  later.count = 9;
  later.inner = {{"b", 3, 1.0}};
  later.added = "unknown today";
  Today read;
  ASSERT_TRUE(archive::get(bytes_of(later), read));
  EXPECT_EQ(read.count, 9);
  EXPECT_EQ(read.inner, (std::vector<Inner>{{"b", 3}}));
}

TEST(Archive, NoTruncationReadsPastTheEnd) {
  const std::string whole = bytes_of(some());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Today read;
    // Cut between two fields it is a shorter record, which is valid; anywhere else it is refused.
    if (archive::get(std::string_view(whole).substr(0, size), read)) {
      EXPECT_NE(read, some()) << size;
    }
  }
}

TEST(Archive, AnAbsurdLengthIsRefused) {
  std::string bytes = bytes_of(some());
  bytes[0] = '\xff';
  bytes[3] = '\x7f';
  Today read;
  EXPECT_FALSE(archive::get(bytes, read));
}

}  // namespace
}  // namespace pghang
