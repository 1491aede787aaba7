#include <gtest/gtest.h>

#include "collectors/postgres/lock_collector.h"

namespace pghang {
namespace {

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST(LockSql, WaitstartExistsFromFourteen) {
  for (const int version : {100000, 120022, 130021})
    EXPECT_TRUE(contains(lock_waits_sql(version), "NULL::pg_catalog.timestamptz AS waitstart"))
        << version;
  for (const int version : {140000, 150020, 180000})
    EXPECT_FALSE(contains(lock_waits_sql(version), "NULL::pg_catalog.timestamptz")) << version;
}

TEST(LockSql, ReadsTheLockTableOnce) {
  const std::string sql = lock_waits_sql(150000);
  EXPECT_EQ(sql.find("pg_catalog.pg_locks"), sql.rfind("pg_catalog.pg_locks"));
}

TEST(LockSql, UsesNothingNewerThanTen) {
  for (const char* newer : {"MATERIALIZED", "leader_pid", "waitstart FROM pg_catalog.pg_locks"}) {
    EXPECT_FALSE(contains(lock_waits_sql(100000), newer)) << newer;
    EXPECT_FALSE(contains(prepared_transactions_sql(), newer)) << newer;
  }
}

TEST(LockSql, AreOneStatementEach) {
  EXPECT_FALSE(contains(lock_waits_sql(150000), ";"));
  EXPECT_FALSE(contains(prepared_transactions_sql(), ";"));
}

}  // namespace
}  // namespace pghang
