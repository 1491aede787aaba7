#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "daemon/doctor/checks.h"
#include "daemon/doctor/connect_advice.h"

namespace pghang::doctor {
namespace {

constexpr int kOldestSupported = 100000;
constexpr int kNewestKnown = 190000;  // exclusive
/// Over TCP a process is found by its start time; the sampler allows 3 s.
constexpr std::int64_t kClockTolerance = 1'000'000;
constexpr std::array<std::string_view, 3> kTimeouts{
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout"};
constexpr const char* kSetup = "sudo -u postgres psql -f /usr/share/pghangd/setup.sql";

std::string named(const TargetFacts& facts, const char* what) {
  return facts.target.name + ": " + what;
}

CheckLine check_version(const TargetFacts& facts, const RoleFacts& role) {
  const std::string check = named(facts, "version");
  const std::string version = "PostgreSQL " + role.server_version;
  if (facts.version_num < kOldestSupported)
    return {Grade::fail, check, version + ": older than 10", "upgrade the server"};
  if (facts.version_num >= kNewestKnown) {
    return {
        Grade::warn,
        check,
        version + ": newer than 18, the newest that this pghangd has been tried with",
        "upgrade pghangd"};
  }
  return {Grade::ok, check, version, ""};
}

CheckLine check_role(const TargetFacts& facts, const RoleFacts& role) {
  const std::string check = named(facts, "role");
  if (!role.superuser) return {Grade::ok, check, role.role + ", no superuser", ""};
  return {
      Grade::warn,
      check,
      role.role + " is a superuser: more than pghangd needs",
      std::string(kSetup) + ", and user=pghangd in the dsn"};
}

CheckLine check_sight(const TargetFacts& facts, const RoleFacts& role) {
  const std::string check = named(facts, "pg_monitor");
  if (role.reads_all_stats) return {Grade::ok, check, "sees the activity of every role", ""};
  return {
      Grade::fail,
      check,
      role.role + " sees neither state nor query of other roles' backends: no rule matches them",
      "GRANT pg_monitor TO " + role.role + ";"};
}

CheckLine check_signals(const TargetFacts& facts, const RoleFacts& role, Mode mode) {
  const std::string check = named(facts, "pg_signal_backend");
  if (role.signals) return {Grade::ok, check, "may cancel and terminate", ""};
  const std::string fix = "GRANT pg_signal_backend TO " + role.role + ";";
  if (mode == Mode::observe)
    return {
        Grade::ok,
        check,
        "absent, which mode observe does not need; enforce would: " + fix,
        ""};
  return {Grade::fail, check, role.role + " may not cancel or terminate; mode is enforce", fix};
}

CheckLine check_limit(const TargetFacts& facts, const RoleFacts& role) {
  const std::string check = named(facts, "connection limit");
  const std::string fix = "ALTER ROLE " + role.role + " CONNECTION LIMIT 3;";
  if (role.connection_limit < 0)
    return {Grade::warn, check, "none: a fault of ours could use up the server's connections", fix};
  if (role.connection_limit < 2) {
    return {
        Grade::warn,
        check,
        std::to_string(role.connection_limit) + ": no room for plan and doctor beside the daemon",
        fix};
  }
  return {Grade::ok, check, std::to_string(role.connection_limit), ""};
}

bool is_set(const RoleFacts& role, std::string_view name) {
  return std::ranges::any_of(role.settings, [name](std::string_view setting) {
    return setting.starts_with(name) && setting.substr(name.size()).starts_with('=');
  });
}

CheckLine check_timeouts(const TargetFacts& facts, const RoleFacts& role) {
  const std::string check = named(facts, "timeouts");
  std::string absent;
  for (const std::string_view name : kTimeouts) {
    if (is_set(role, name)) continue;
    if (!absent.empty()) absent += ", ";
    absent += name;
  }
  if (absent.empty()) return {Grade::ok, check, "the role has its own", ""};
  return {
      Grade::warn,
      check,
      "the role has no " + absent + " of its own, only what pghangd sets for its session",
      kSetup};
}

/// Never a warning: without a slot of its own it goes on from /proc.
CheckLine check_reserved(const TargetFacts& facts, const RoleFacts& role) {
  const std::string check = named(facts, "reserved slots");
  const std::string number = std::to_string(role.reserved_connections);
  if (role.reserved_connections > 0 && (role.uses_reserved || role.superuser))
    return {Grade::ok, check, "may use one of the " + number + " of reserved_connections", ""};
  const std::string without = ": once max_connections is exhausted it keeps the connection it has";
  if (role.reserved_connections > 0) {
    return {
        Grade::warn,
        check,
        "may use none of the " + number + without,
        "GRANT pg_use_reserved_connections TO " + role.role + ";"};
  }
  return {Grade::ok, check, "the server has none" + without, ""};
}

CheckLine check_clock(const TargetFacts& facts, const RoleFacts& role) {
  const std::string check = named(facts, "clock");
  const std::int64_t server = unix_micros(role.clock);
  std::int64_t off = 0;
  if (server < facts.asked_at_micros) off = server - facts.asked_at_micros;
  if (server > facts.answered_at_micros) off = server - facts.answered_at_micros;
  if (std::abs(off) <= kClockTolerance)
    return {Grade::ok, check, "the server's clock is that of this host, within 1 s", ""};
  return {
      Grade::warn,
      check,
      "the server's clock is " + std::to_string(off / 1'000'000) + " s off this host's",
      "synchronise both (chrony, systemd-timesyncd): incidents bear times of both"};
}

/// The first reason why the server cannot be watched at all.
std::optional<CheckLine> no_server(const TargetFacts& facts) {
  const std::string check = named(facts, "connection");
  if (facts.connect_error) {
    return CheckLine{
        Grade::fail,
        check,
        facts.shown_dsn + ": " + to_string(facts.connect_error->code) + ": " +
            facts.connect_error->context,
        connect_advice(*facts.connect_error, facts.target)};
  }
  if (!facts.role) {
    return CheckLine{
        Grade::fail,
        check,
        facts.shown_dsn + ": connected, but " + to_string(facts.role.error().code) + ": " +
            facts.role.error().context,
        "see the server's log"};
  }
  if (facts.role->backend_pid != facts.libpq_backend_pid) {
    return CheckLine{
        Grade::fail,
        check,
        facts.shown_dsn + ": a pooler answers, not the server",
        "host and port of the server itself in the dsn"};
  }
  return std::nullopt;
}

}  // namespace

CheckList check_server(const TargetFacts& facts, Mode mode) {
  if (auto failed = no_server(facts)) return {std::move(*failed)};
  const RoleFacts& role = *facts.role;
  CheckList checks{{Grade::ok, named(facts, "connection"), facts.shown_dsn, ""}};
  checks.push_back(check_version(facts, role));
  checks.push_back(check_role(facts, role));
  checks.push_back(check_sight(facts, role));
  checks.push_back(check_signals(facts, role, mode));
  if (!role.superuser) {
    checks.push_back(check_limit(facts, role));
    checks.push_back(check_timeouts(facts, role));
  }
  checks.push_back(check_reserved(facts, role));
  checks.push_back(check_clock(facts, role));
  return checks;
}

}  // namespace pghang::doctor
