#include "daemon/service/journal.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(JournalEntry, HasAFieldForEachField) {
  EXPECT_EQ(
      journal_entry(
          LogLevel::warn,
          "event=unresponsive pid=4711",
          "unresponsive",
          {{"pid", "4711"}, {"incident", "20261122T151203Z-4711"}}
      ),
      "MESSAGE=event=unresponsive pid=4711\nPRIORITY=4\nSYSLOG_IDENTIFIER=pghangd\n"
      "PGHANGD_EVENT=unresponsive\nPGHANGD_PID=4711\nPGHANGD_INCIDENT=20261122T151203Z-4711\n"
  );
}

TEST(JournalEntry, AValueOfSeveralLinesCannotForgeAField) {
  const std::string entry =
      journal_entry(LogLevel::info, "m", "e", {{"application_name", "a\nPRIORITY=0"}});
  const std::string length("\x0c\0\0\0\0\0\0\0", 8);
  EXPECT_TRUE(entry.ends_with("\nPGHANGD_APPLICATION_NAME\n" + length + "a\nPRIORITY=0\n"));
}

}  // namespace
}  // namespace pghang
