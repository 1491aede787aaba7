#include "tests/exporters/foreign_text.h"

#include <gtest/gtest.h>

namespace pghang {

std::size_t occurrences(const std::string& page, const std::string& words) {
  std::size_t count = 0;
  for (auto at = page.find(words); at != std::string::npos; at = page.find(words, at + 1))
    ++count;
  return count;
}

void expect_harmless(const std::string& page) {
  EXPECT_EQ(occurrences(page, "<script"), occurrences(page, "<script type=\"module\" src=\""));
  EXPECT_EQ(occurrences(page, "<script"), 2U) << "those of the page itself";
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find(" style="), std::string::npos) << "its policy forbids inline styles";
  EXPECT_EQ(page.find('\0'), std::string::npos);
  EXPECT_EQ(page.find('\xFF'), std::string::npos);
  EXPECT_EQ(page.find(std::string{'\xE2', '\x80', '\xAE'}), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(1)&lt;/script&gt;"), std::string::npos);
  EXPECT_NE(page.find("[U+202E]"), std::string::npos);
}

}  // namespace pghang
