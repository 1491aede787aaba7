#include <gtest/gtest.h>

#include "collectors/postgres/query_result_impl.h"

namespace pghang {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace): literals with NULs

TEST(QueryParameter, NumbersAreBigEndian) {
  EXPECT_EQ(int4_parameter(0x01020304).bytes, "\x01\x02\x03\x04"s);
  EXPECT_EQ(int4_parameter(-2).bytes, "\xff\xff\xff\xfe"s);
  EXPECT_EQ(int8_parameter(0x0102030405060708).bytes, "\x01\x02\x03\x04\x05\x06\x07\x08"s);
  EXPECT_EQ(int8_parameter(-1).bytes, std::string(8, '\xff'));
}

TEST(QueryParameter, TypesAreThoseOfTheCatalog) {
  EXPECT_EQ(int4_parameter(0).type_oid, 23U);
  EXPECT_EQ(int8_parameter(0).type_oid, 20U);
  EXPECT_EQ(text_parameter("").type_oid, 25U);
  EXPECT_EQ(bool_parameter(true).type_oid, 16U);
  EXPECT_EQ(timestamptz_parameter(std::nullopt).type_oid, 1184U);
}

TEST(QueryParameter, EmptyTextIsNotNull) {
  EXPECT_EQ(text_parameter("").bytes, ""s);
}

TEST(QueryParameter, TimestampKeepsTheServersMicroseconds) {
  EXPECT_EQ(timestamptz_parameter(PgTimestamp{258}).bytes, "\0\0\0\0\0\0\x01\x02"s);
  EXPECT_EQ(timestamptz_parameter(std::nullopt).bytes, std::nullopt);
}

TEST(QueryParameter, BooleanIsOneByte) {
  EXPECT_EQ(bool_parameter(true).bytes, "\1"s);
  EXPECT_EQ(bool_parameter(false).bytes, "\0"s);
}

TEST(QueryResult, WithoutAnAnswerThereIsNothingInIt) {
  const QueryResult result;
  EXPECT_EQ(result.rows(), 0);
  EXPECT_TRUE(result.is_null(0, 0));
  EXPECT_EQ(result.text(0, 0), std::nullopt);
  EXPECT_EQ(result.integer(0, 0), std::nullopt);
  EXPECT_EQ(result.boolean(0, 0), std::nullopt);
  EXPECT_EQ(result.timestamp(0, 0), std::nullopt);
  EXPECT_TRUE(result.notices().empty());
}

}  // namespace
}  // namespace pghang
