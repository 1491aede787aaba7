#include <gtest/gtest.h>

#include "collectors/postgres/activity_collector.h"

namespace pghang {
namespace {

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST(ActivitySql, LeaderPidExistsFromThirteen) {
  for (const int version : {100000, 110022, 120022})
    EXPECT_FALSE(contains(activity_sql(version), "s.leader_pid")) << version;
  for (const int version : {130000, 140000, 150020, 160000, 170000, 180000})
    EXPECT_TRUE(contains(activity_sql(version), "s.leader_pid")) << version;
}

TEST(ActivitySql, QueryIdExistsFromFourteen) {
  for (const int version : {100000, 130011})
    EXPECT_FALSE(contains(activity_sql(version), "s.query_id")) << version;
  for (const int version : {140000, 150020, 160000, 170000, 180000})
    EXPECT_TRUE(contains(activity_sql(version), "s.query_id")) << version;
}

TEST(ActivitySql, NothingElseDependsOnTheVersion) {
  std::string old_text = activity_sql(100000);
  const auto replace = [&](const std::string& stand_in, const char* column) {
    old_text.replace(old_text.find(stand_in), stand_in.size(), column);
  };
  replace("NULL::pg_catalog.int4", "s.leader_pid");
  replace("NULL::pg_catalog.int8", "s.query_id");
  EXPECT_EQ(old_text, activity_sql(180000));
}

TEST(ActivitySql, UsesNothingNewerThanTen) {
  for (const char* newer : {"MATERIALIZED", "s.query_id", "CALL ", "s.leader_pid"})
    EXPECT_FALSE(contains(activity_sql(100000), newer)) << newer;
}

TEST(ActivitySql, IsOneStatement) {
  EXPECT_FALSE(contains(activity_sql(150000), ";"));
}

TEST(ActivitySql, DoesNotReadTheControlFileAtEveryPoll) {
  EXPECT_FALSE(contains(activity_sql(150000), "pg_control_system"));
}

}  // namespace
}  // namespace pghang
