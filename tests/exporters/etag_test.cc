#include "exporters/http/etag.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(Etag, IsOfTheBodyAlone) {
  EXPECT_EQ(etag_of("one"), etag_of(std::string("one")));
  EXPECT_NE(etag_of("one"), etag_of("two"));
  EXPECT_NE(etag_of("one"), etag_of("eno"));
  EXPECT_NE(etag_of(""), etag_of(std::string_view("\0", 1)));
  EXPECT_EQ(etag_of("a"), "\"af63dc4c8601ec8c-1\"") << "FNV-1a's published value";
}

TEST(IfNoneMatch, IsAStarOrAListComparedWeakly) {
  const std::string etag = etag_of("body");
  EXPECT_TRUE(none_match_fails(etag, etag));
  EXPECT_TRUE(none_match_fails("W/" + etag, etag));
  EXPECT_TRUE(none_match_fails("*", etag));
  EXPECT_TRUE(none_match_fails(" * ", etag));
  EXPECT_TRUE(none_match_fails("\"x\", " + etag, etag));
  EXPECT_TRUE(none_match_fails("\"x\",W/\"y\" ,\t W/" + etag + ", \"z\"", etag));
  EXPECT_TRUE(none_match_fails("\"with, comma\", " + etag, etag));
}

TEST(IfNoneMatch, OfAnotherOrAMalformedTagMatchesNothing) {
  const std::string etag = etag_of("body");
  for (const std::string& field :
       {std::string(),
        std::string("\"x\""),
        std::string("\"x\" ") + etag,
        std::string("x, ") + etag,
        etag.substr(1),
        etag.substr(0, etag.size() - 1),
        "w/" + etag,
        std::string("*, ") + etag,
        std::string("W/"),
        std::string("W/W/") + etag,
        std::string("\"")})
    EXPECT_FALSE(none_match_fails(field, etag)) << field;
}

TEST(Etag, IsGivenToA200Alone) {
  EXPECT_EQ(revalidated({404, "text/plain", "no", ""}, "*").status, 404);
  EXPECT_EQ(revalidated({404, "text/plain", "no", ""}, "").etag, "");
  const HttpResponse whole = revalidated({200, "text/plain", "yes", ""}, "\"x\"");
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, "yes");
  const HttpResponse known = revalidated({200, "text/plain", "yes", ""}, whole.etag);
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.body, "");
  EXPECT_EQ(known.etag, whole.etag);
}

}  // namespace
}  // namespace pghang
