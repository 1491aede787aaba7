#include "daemon/escalation/exemption.h"

#include <gtest/gtest.h>

#include "tests/daemon/escalation/builders.h"

namespace pghang::escalation {
namespace {

using testing::exact;
using testing::regex;
using testing::running;

/// Includes every user and backend type by name, as far as a rule can.
Rule bold_rule() {
  Rule rule;
  rule.match.user.include = {exact("app"), exact("postgres")};
  rule.match.backend_type.include = {regex(".*")};
  return rule;
}

Activity of_type(const std::string& type, const std::string& query = "") {
  Activity activity = running();
  activity.backend_type = type;
  activity.query = query;
  return activity;
}

TEST(Exemption, AnOrdinaryClientBackendHasNone) {
  EXPECT_EQ(exemption_of(running(), Rule{}), std::nullopt);
}

TEST(Exemption, OurOwnSessionIsNeverTouched) {
  Activity activity = running();
  activity.application_name = "pghangd";
  EXPECT_EQ(exemption_of(activity, bold_rule()), Exemption::own_session);
}

TEST(Exemption, AParallelWorkerIsJudgedWithItsLeader) {
  EXPECT_EQ(exemption_of(of_type("parallel worker"), bold_rule()), Exemption::parallel_worker);
  Activity led = of_type("logical replication parallel worker");
  led.leader_pid = led.key.pid - 1;
  EXPECT_EQ(exemption_of(led, bold_rule()), Exemption::parallel_worker);
}

TEST(Exemption, ALeaderIsNoWorker) {
  Activity leader = running();
  leader.leader_pid = leader.key.pid;
  EXPECT_EQ(exemption_of(leader, Rule{}), std::nullopt);
}

TEST(Exemption, AWalsenderIsNeverTouched) {
  EXPECT_EQ(exemption_of(of_type("walsender"), bold_rule()), Exemption::replication);
}

TEST(Exemption, AutovacuumToPreventWraparoundIsNeverTouched) {
  const Activity urgent =
      of_type("autovacuum worker", "autovacuum: VACUUM public.t (to prevent wraparound)");
  EXPECT_EQ(exemption_of(urgent, bold_rule()), Exemption::wraparound);
  const Activity plain = of_type("autovacuum worker", "autovacuum: VACUUM ANALYZE public.t");
  EXPECT_EQ(exemption_of(plain, bold_rule()), std::nullopt);
}

TEST(Exemption, AnAutovacuumWorkerWhoseQueryCannotBeReadMayPreventWraparound) {
  EXPECT_EQ(exemption_of(of_type("autovacuum worker", ""), bold_rule()), Exemption::wraparound);
  EXPECT_EQ(
      exemption_of(of_type("autovacuum worker", "<insufficient privilege>"), bold_rule()),
      Exemption::wraparound
  );
}

TEST(Exemption, AClientThatWritesAboutWraparoundIsNoAutovacuum) {
  const Activity activity = of_type("client backend", "SELECT 1 -- (to prevent wraparound)");
  EXPECT_EQ(exemption_of(activity, Rule{}), std::nullopt);
}

TEST(Exemption, ACommitThatWaitsInSyncRepIsNeverTouched) {
  Activity activity = running();
  for (const char* spelling : {"SyncRep", "syncrep"}) {
    activity.wait_event = spelling;
    EXPECT_EQ(exemption_of(activity, bold_rule()), Exemption::sync_rep);
  }
  activity.wait_event = "SyncRepWaitForLSN";
  EXPECT_EQ(exemption_of(activity, Rule{}), std::nullopt);
}

TEST(Exemption, ASuperuserIsExemptUnlessTheRuleNamesIt) {
  Activity activity = running();
  activity.user = "postgres";
  activity.superuser = true;
  EXPECT_EQ(exemption_of(activity, Rule{}), Exemption::superuser);
  EXPECT_EQ(exemption_of(activity, bold_rule()), std::nullopt);
  activity.user = "other";
  EXPECT_EQ(exemption_of(activity, bold_rule()), Exemption::superuser);
  activity.user.reset();
  EXPECT_EQ(exemption_of(activity, bold_rule()), Exemption::superuser);
}

TEST(Exemption, ARegexDoesNotNameASuperuser) {
  Activity activity = running();
  activity.user = "postgres";
  activity.superuser = true;
  Rule rule;
  rule.match.user.include = {regex("^postgres$")};
  EXPECT_EQ(exemption_of(activity, rule), Exemption::superuser);
}

TEST(Exemption, WhatIsNoClientIsExemptUnlessTheRuleIncludesItsType) {
  Rule rule;
  EXPECT_EQ(exemption_of(of_type("background worker"), rule), Exemption::not_client);
  rule.match.backend_type.exclude = {exact("walsender")};
  EXPECT_EQ(exemption_of(of_type("background worker"), rule), Exemption::not_client);
  rule.match.backend_type.include = {exact("background worker")};
  EXPECT_EQ(exemption_of(of_type("background worker"), rule), std::nullopt);
  EXPECT_EQ(exemption_of(of_type("checkpointer"), rule), Exemption::not_client);
  rule.match.backend_type.include = {regex("^background")};
  EXPECT_EQ(exemption_of(of_type("background worker"), rule), std::nullopt);
}

TEST(Exemption, IsSpelledAsItsMetricLabel) {
  EXPECT_STREQ(to_string(Exemption::own_session), "own_session");
  EXPECT_STREQ(to_string(Exemption::superuser), "superuser");
  EXPECT_STREQ(to_string(Exemption::replication), "replication");
  EXPECT_STREQ(to_string(Exemption::wraparound), "wraparound");
  EXPECT_STREQ(to_string(Exemption::sync_rep), "sync_rep");
  EXPECT_STREQ(to_string(Exemption::not_client), "not_client");
  EXPECT_STREQ(to_string(Exemption::parallel_worker), "parallel_worker");
  EXPECT_STREQ(to_string(Exemption::protect_list), "protected");
}

}  // namespace
}  // namespace pghang::escalation
