#include <string>

#include <gtest/gtest.h>

#include "daemon/doctor/checks.h"

namespace pghang::doctor {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const CheckLine& line(const CheckList& checks, const std::string& check) {
  for (const CheckLine& one : checks) {
    if (one.check == check) return one;
  }
  ADD_FAILURE() << "no line for " << check;
  return checks.front();
}

/// What setup.sql makes, on this host.
TargetFacts healthy() {
  TargetFacts facts;
  facts.shown_dsn = "host=/run/postgresql user=pghangd";
  facts.version_num = 150020;
  facts.libpq_backend_pid = 4711;
  facts.server_process = 4000;
  facts.asked_at_micros = kPgEpochUnixMicros + 1000;
  facts.answered_at_micros = kPgEpochUnixMicros + 3000;
  RoleFacts role;
  role.server_version = "15.20";
  role.role = "pghangd";
  role.reads_all_stats = true;
  role.signals = true;
  role.connection_limit = 3;
  role.settings = {
      "statement_timeout=10s",
      "lock_timeout=1s",
      "idle_in_transaction_session_timeout=10s"};
  role.backend_pid = 4711;
  role.clock = {2000};
  facts.role = role;
  Capture capture;
  capture.key = {4711, 1};
  capture.ppid = 4000;
  capture.postgres = true;
  Frame named;
  named.function = "PostgresMain";
  capture.stack.frames = {named, named, Frame{}};
  facts.capture = capture;
  return facts;
}

TargetFacts refused(Errc code, const std::string& words) {
  TargetFacts facts = healthy();
  facts.connect_error = Error{code, words};
  return facts;
}

TEST(CheckServer, WhatSetupSqlMakesIsAllRight) {
  const CheckList checks = check_server(healthy(), Mode::enforce);
  EXPECT_EQ(count(checks, Grade::ok), checks.size()) << render_checks(checks);
  EXPECT_EQ(checks.size(), 9U);
}

TEST(CheckServer, AFailedConnectionIsTheOnlyLine) {
  const CheckList checks = check_server(
      refused(Errc::permission_denied, "FATAL: role \"pghangd\" does not exist"),
      Mode::observe
  );
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].grade, Grade::fail);
  EXPECT_TRUE(has(checks[0].fix, "setup.sql"));
}

TEST(CheckServer, TheFixFollowsTheServersWords) {
  const auto fix = [](Errc code, const std::string& words) {
    return check_server(refused(code, words), Mode::observe)[0].fix;
  };
  const Errc denied = Errc::permission_denied;
  EXPECT_TRUE(has(fix(denied, "password authentication failed for user \"x\""), "password_file"));
  EXPECT_TRUE(has(fix(denied, "Peer authentication failed for user \"x\""), "run as the user"));
  EXPECT_TRUE(has(
      fix(denied, "no pg_hba.conf entry for host \"[local]\", user \"x\", database \"postgres\""),
      "local postgres pghangd peer"
  ));
  EXPECT_TRUE(has(fix(Errc::refused, "database \"nope\" does not exist"), "dbname"));
  EXPECT_TRUE(has(fix(Errc::refused, "too many connections for role \"x\""), "CONNECTION LIMIT"));
  EXPECT_TRUE(has(fix(Errc::disconnected, "Connection refused"), "start the server"));
  EXPECT_TRUE(has(fix(Errc::timeout, "no answer"), "pghangd diagnose its postmaster"));
  // The words are the server's lc_messages; the kind is not.
  EXPECT_TRUE(has(fix(denied, "Passwort-Authentifizierung fehlgeschlagen"), "setup.sql"));
}

TEST(CheckServer, VersionsBeforeTenFailAndUnknownOnesWarn) {
  TargetFacts facts = healthy();
  facts.version_num = 90624;
  EXPECT_EQ(line(check_server(facts, Mode::observe), "main: version").grade, Grade::fail);
  facts.version_num = 100000;
  EXPECT_EQ(line(check_server(facts, Mode::observe), "main: version").grade, Grade::ok);
  facts.version_num = 180004;
  EXPECT_EQ(line(check_server(facts, Mode::observe), "main: version").grade, Grade::ok);
  facts.version_num = 190000;
  EXPECT_EQ(line(check_server(facts, Mode::observe), "main: version").grade, Grade::warn);
}

TEST(CheckServer, MissingGrantsAreNamedAsStatements) {
  TargetFacts facts = healthy();
  facts.role->reads_all_stats = false;
  facts.role->signals = false;
  CheckList checks = check_server(facts, Mode::enforce);
  EXPECT_EQ(line(checks, "main: pg_monitor").grade, Grade::fail);
  EXPECT_EQ(line(checks, "main: pg_monitor").fix, "GRANT pg_monitor TO pghangd;");
  EXPECT_EQ(line(checks, "main: pg_signal_backend").grade, Grade::fail);
  EXPECT_EQ(line(checks, "main: pg_signal_backend").fix, "GRANT pg_signal_backend TO pghangd;");
  checks = check_server(facts, Mode::observe);
  EXPECT_EQ(line(checks, "main: pg_signal_backend").grade, Grade::ok) << "observe sends nothing";
}

TEST(CheckServer, ASuperuserIsMoreThanNeeded) {
  TargetFacts facts = healthy();
  facts.role->superuser = true;
  const CheckLine role = line(check_server(facts, Mode::enforce), "main: role");
  EXPECT_EQ(role.grade, Grade::warn);
  EXPECT_TRUE(has(role.fix, "setup.sql"));
}

TEST(CheckServer, LimitAndTimeoutsThatWereTakenAwayAreMissed) {
  TargetFacts facts = healthy();
  facts.role->connection_limit = -1;
  facts.role->settings = {"statement_timeout=10s"};
  CheckList checks = check_server(facts, Mode::enforce);
  EXPECT_EQ(line(checks, "main: connection limit").grade, Grade::warn);
  EXPECT_EQ(line(checks, "main: timeouts").grade, Grade::warn);
  EXPECT_TRUE(has(line(checks, "main: timeouts").text, "lock_timeout"));
  EXPECT_FALSE(has(line(checks, "main: timeouts").text, "no statement_timeout"));
  facts.role->connection_limit = 1;
  checks = check_server(facts, Mode::enforce);
  EXPECT_EQ(line(checks, "main: connection limit").grade, Grade::warn);
}

TEST(CheckServer, ReservedSlotsThatAreThereAreForPghangdToo) {
  TargetFacts facts = healthy();
  EXPECT_TRUE(has(line(check_server(facts, Mode::enforce), "main: reserved slots").text, "none"));
  facts.role->reserved_connections = 2;
  const CheckLine without = line(check_server(facts, Mode::enforce), "main: reserved slots");
  EXPECT_EQ(without.grade, Grade::warn);
  EXPECT_EQ(without.fix, "GRANT pg_use_reserved_connections TO pghangd;");
  facts.role->uses_reserved = true;
  EXPECT_EQ(line(check_server(facts, Mode::enforce), "main: reserved slots").grade, Grade::ok);
}

TEST(CheckServer, AClockOutsideTheStatementIsOff) {
  TargetFacts facts = healthy();
  facts.role->clock = {500'000};
  EXPECT_EQ(line(check_server(facts, Mode::enforce), "main: clock").grade, Grade::ok);
  facts.role->clock = {-7'000'000};
  const CheckLine clock = line(check_server(facts, Mode::enforce), "main: clock");
  EXPECT_EQ(clock.grade, Grade::warn);
  EXPECT_TRUE(has(clock.text, "-7 s")) << clock.text;
}

TEST(CheckServer, APoolerIsNotTheServer) {
  TargetFacts facts = healthy();
  facts.libpq_backend_pid = 12;
  const CheckList checks = check_server(facts, Mode::enforce);
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_TRUE(has(checks[0].text, "pooler"));
}

TEST(CheckProcess, OurOwnBackendIsSeenWithItsPostmaster) {
  const CheckList checks = check_process(healthy());
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(checks[0].grade, Grade::ok);
  EXPECT_TRUE(has(checks[0].text, "backend 4711 of postmaster 4000"));
  EXPECT_EQ(checks[1].grade, Grade::ok);
  EXPECT_TRUE(has(checks[1].text, "2 of 3 frames have a name"));
}

TEST(CheckProcess, EvidenceThatNeedsACapabilityOfTheUnitFailsAndOtherDoesNot) {
  TargetFacts facts = healthy();
  facts.capture->missing = {{"kernel_stack", "Permission denied", "CAP_SYS_ADMIN"}};
  EXPECT_EQ(check_process(facts)[0].grade, Grade::ok);
  facts.capture->missing.push_back({"syscall", "Permission denied", "CAP_DAC_READ_SEARCH"});
  const CheckLine blind = check_process(facts)[0];
  EXPECT_EQ(blind.grade, Grade::fail);
  EXPECT_TRUE(has(blind.text, "syscall (needs CAP_DAC_READ_SEARCH)")) << blind.text;
  EXPECT_FALSE(has(blind.text, "kernel_stack"));
}

TEST(CheckProcess, ARemoteServerIsFoundAndNotExplained) {
  TargetFacts facts = healthy();
  facts.server_process = 0;
  facts.capture = Error{Errc::not_found, "no process here is the server's process 4711"};
  EXPECT_EQ(check_process(facts)[0].grade, Grade::warn);
  facts.server_process = 4000;
  EXPECT_EQ(check_process(facts)[0].grade, Grade::fail) << "it is here, says its socket";
}

TEST(CheckProcess, AStackWithoutNamesAsksForDebugSymbols) {
  TargetFacts facts = healthy();
  facts.capture->stack.frames = {Frame{}, Frame{}, Frame{}};
  const CheckLine symbols = check_process(facts)[1];
  EXPECT_EQ(symbols.grade, Grade::warn);
  EXPECT_TRUE(has(symbols.fix, "dbgsym"));
}

}  // namespace
}  // namespace pghang::doctor
