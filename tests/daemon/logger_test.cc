#include "daemon/service/logger.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(RenderFields, LogfmtQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(
      render_fields(
          LogFormat::logfmt,
          "matched",
          {{"pid", "4711"}, {"state", "idle in transaction"}}
      ),
      R"(event=matched pid=4711 state="idle in transaction")"
  );
}

TEST(RenderFields, AnEmptyValueIsVisible) {
  EXPECT_EQ(render_fields(LogFormat::logfmt, "x", {{"note", ""}}), R"(event=x note="")");
}

TEST(RenderFields, ForeignTextCannotForgeALineOrAField) {
  const std::string nasty = "a\nevent=forged pid=1 \"q\" \\ \x01";
  EXPECT_EQ(
      render_fields(LogFormat::logfmt, "x", {{"application_name", nasty}}),
      R"(event=x application_name="a\nevent=forged pid=1 \"q\" \\ \u0001")"
  );
  EXPECT_EQ(
      render_fields(LogFormat::json, "x", {{"application_name", nasty}}),
      R"("event":"x","application_name":"a\nevent=forged pid=1 \"q\" \\ \u0001")"
  );
}

}  // namespace
}  // namespace pghang
