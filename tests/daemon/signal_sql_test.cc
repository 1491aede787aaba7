#include <gtest/gtest.h>

#include "daemon/targets/postgres_ports.h"

namespace pghang {
namespace {

TEST(SignalSql, ReadsOneBackendWithoutTheViewAndSignalsInTheSameStatement) {
  const std::string sql = signal_sql(escalation::SignalKind::cancel);
  EXPECT_NE(sql.find("pg_stat_get_activity($1)"), std::string::npos);
  EXPECT_NE(sql.find("pg_cancel_backend"), std::string::npos);
  EXPECT_EQ(sql.find("pg_terminate_backend"), std::string::npos);
}

TEST(SignalSql, EveryGuardComparesNullSafe) {
  const std::string sql = signal_sql(escalation::SignalKind::terminate);
  for (const char* column : {"xact_start", "query_start", "state_change", "state"}) {
    EXPECT_NE(sql.find("a." + std::string(column) + " IS NOT DISTINCT FROM"), std::string::npos)
        << column;
  }
  EXPECT_NE(sql.find("a.backend_start = $2"), std::string::npos);
}

}  // namespace
}  // namespace pghang
