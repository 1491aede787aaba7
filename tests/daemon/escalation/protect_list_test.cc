#include "daemon/escalation/protect_list.h"

#include <gtest/gtest.h>

#include "daemon/escalation/exemption.h"
#include "tests/daemon/escalation/builders.h"

namespace pghang::escalation {
namespace {

using testing::exact;
using testing::running;

ProtectList shipped() {
  return ProtectList(default_settings().protect);
}

Activity running_query(const std::string& query) {
  Activity activity = running();
  activity.query = query;
  return activity;
}

TEST(ProtectList, SparesWhatLeavesAnInvalidIndex) {
  for (const char* query :
       {"CREATE INDEX CONCURRENTLY i ON t (a)",
        "create unique index concurrently if not exists i on t (a)",
        "/* app:web */\n  CREATE\n  INDEX\n  CONCURRENTLY i ON t (a)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX INDEX CONCURRENTLY i",
        "REINDEX (VERBOSE, CONCURRENTLY) TABLE t",
        "REINDEX (CONCURRENTLY) TABLE t",
        "reindex table concurrently public.t",
        "ALTER TABLE t DETACH PARTITION \"a b\" CONCURRENTLY"})
    EXPECT_EQ(shipped().protecting(running_query(query)), "concurrent-index") << query;
}

TEST(ProtectList, SparesNoOtherIndexBuildAndNoView) {
  for (const char* query :
       {"CREATE INDEX i ON t (a)",
        "REINDEX TABLE t",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "SELECT concurrently FROM reindexed",
        ""})
    EXPECT_EQ(shipped().protecting(running_query(query)), std::nullopt) << query;
}

TEST(ProtectList, SparesBackupsByTheirName) {
  Activity backup = running();
  backup.application_name = "pg_dump";
  EXPECT_EQ(shipped().protecting(backup), "pg_dump");
  backup.application_name = "pg_dump2";
  EXPECT_EQ(shipped().protecting(backup), std::nullopt);
  backup.application_name.reset();
  EXPECT_EQ(shipped().protecting(backup), std::nullopt);
}

TEST(ProtectList, AllCriteriaOfAnEntryMustHold) {
  Protection batch;
  batch.name = "batch";
  batch.match.user.include = {exact("app")};
  batch.match.database.include = {exact("shop")};
  batch.match.application_name.exclude = {exact("psql")};
  const ProtectList list({batch});
  EXPECT_EQ(list.protecting(running()), "batch");
  Activity other = running();
  other.database = "other";
  EXPECT_EQ(list.protecting(other), std::nullopt);
  other = running();
  other.application_name = "psql";
  EXPECT_EQ(list.protecting(other), std::nullopt);
}

TEST(ProtectList, ComesAfterWhatIsNeverTouchedAndNoRuleLiftsIt) {
  Rule bold;
  bold.match.user.include = {exact("app")};
  Activity backup = running();
  backup.application_name = "pg_dump";
  const auto spared = protection_of(backup, bold, shipped());
  ASSERT_TRUE(spared);
  EXPECT_STREQ(to_string(spared->exemption), "protected");
  EXPECT_EQ(spared->entry, "pg_dump");
  backup.backend_type = "walsender";
  EXPECT_EQ(protection_of(backup, bold, shipped())->exemption, Exemption::replication);
  EXPECT_EQ(protection_of(running(), bold, shipped()).has_value(), false);
}

}  // namespace
}  // namespace pghang::escalation
