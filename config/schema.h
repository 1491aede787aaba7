#pragma once

#include <array>
#include <string>
#include <vector>

#include "config/network.h"
#include "config/settings.h"
#include "config/time_window.h"
#include "config/values.h"

/// The shape of the file, said once: which keys there are, of what kind, and in what range. A
/// visitor walks it: SectionReader to read a file, KeyLister to list the keys.
namespace pghang {

namespace range {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr std::chrono::hours kDay{24};
inline constexpr DurationRange kAge{milliseconds{1}, 365 * kDay};
inline constexpr DurationRange kFor{Duration{0}, 7 * kDay};
inline constexpr DurationRange kGrace{milliseconds{100}, kDay};
inline constexpr DurationRange kPollInterval{milliseconds{100}, hours{1}};
inline constexpr DurationRange kStatementTimeout{milliseconds{10}, minutes{5}};
inline constexpr DurationRange kConnectTimeout{milliseconds{100}, minutes{5}};
inline constexpr DurationRange kReconnectMax{milliseconds{100}, hours{1}};
inline constexpr DurationRange kSampleInterval{milliseconds{1}, seconds{1}};
inline constexpr DurationRange kCaptureDeadline{milliseconds{100}, seconds{30}};
inline constexpr DurationRange kStopDeadline{milliseconds{1}, seconds{1}};
inline constexpr DurationRange kRepeat{milliseconds{100}, kDay};
inline constexpr DurationRange kDownload{seconds{2}, hours{1}};
inline constexpr NumberRange kBlocking{1, 1'000'000};
inline constexpr NumberRange kTransactions{1, 2'147'483'647};
inline constexpr DurationRange kBreaker{seconds{1}, 7 * kDay};
inline constexpr NumberRange kSamples{1, 20};
inline constexpr NumberRange kKept{0, 100'000};
inline constexpr NumberRange kBundles{1, 100'000};
inline constexpr NumberRange kQueryText{0, 64ULL << 10U};
inline constexpr NumberRange kLimit{1, 1'000'000};
inline constexpr NumberRange kPercent{1, 100};
inline constexpr NumberRange kIncidentMemory{64ULL << 10U, 1ULL << 30U};
inline constexpr DurationRange kStoreAge{hours{1}, 3650 * kDay};
inline constexpr NumberRange kStoreBytes{1ULL << 20U, 1ULL << 40U};

}  // namespace range

template <typename Visitor>
void describe(Visitor& v, Polling& polling) {
  v.duration("interval", polling.interval, range::kPollInterval);
  v.duration("statement_timeout", polling.statement_timeout, range::kStatementTimeout);
  v.duration("connect_timeout", polling.connect_timeout, range::kConnectTimeout);
  v.duration("reconnect_max", polling.reconnect_max, range::kReconnectMax);
  v.size("query_text_bytes", polling.query_text_bytes, range::kQueryText);
}

template <typename Visitor>
void describe(Visitor& v, Match& match) {
  v.criterion("state", match.state);
  v.criterion("backend_type", match.backend_type);
  v.criterion("database", match.database);
  v.criterion("user", match.user);
  v.criterion("application_name", match.application_name);
  v.criterion("wait_event_type", match.wait_event_type);
  v.criterion("wait_event", match.wait_event);
  v.duration("query_age", match.query_age, range::kAge);
  v.duration("transaction_age", match.transaction_age, range::kAge);
  v.duration("state_age", match.state_age, range::kAge);
  v.criterion("client_addr", match.client_addr, &parse_network);
  v.criterion("query", match.query);
  v.criterion("query_id", match.query_id, &parse_query_id);
  v.number("xmin_age_over", match.xmin_age_over, range::kTransactions);
  v.duration("idle_in_transaction", match.idle_in_transaction, range::kAge);
  v.flag("in_recovery", match.in_recovery);
  v.number("blocking_at_least", match.blocking_at_least, range::kBlocking);
  v.duration("not_advancing", match.not_advancing, range::kAge);
  v.duration("terminate_ignored_for", match.terminate_ignored_for, range::kAge);
}

template <typename Visitor>
void describe(Visitor& v, Rule& rule) {
  v.text("name", rule.name);
  v.section("match", rule.match);
  v.duration("for", rule.for_, range::kFor);
  v.choice(
      "action",
      rule.action,
      std::array{RuleAction::observe, RuleAction::cancel, RuleAction::terminate}
  );
  v.duration("cancel_grace", rule.cancel_grace, range::kGrace);
  v.duration("terminate_grace", rule.terminate_grace, range::kGrace);
  v.choice("victims", rule.victims, std::array{Victims::all, Victims::oldest, Victims::newest});
  v.choices(
      "group_by",
      rule.group_by,
      std::array{
          GroupColumn::database,
          GroupColumn::user,
          GroupColumn::application_name,
          GroupColumn::client_addr,
          GroupColumn::query_id}
  );
  v.each("active", rule.active, &parse_time_window);
  v.choices(
      "capture",
      rule.capture,
      std::array{
          CaptureMoment::before_cancel,
          CaptureMoment::before_terminate,
          CaptureMoment::unresponsive}
  );
}

template <typename Visitor>
void describe(Visitor& v, TargetBudget& budget) {
  v.number("actions_per_minute", budget.actions_per_minute, range::kLimit);
  v.number("actions_per_hour", budget.actions_per_hour, range::kLimit);
  v.number("share_percent", budget.share_percent, range::kPercent);
  v.number("unresponsive", budget.unresponsive, range::kLimit);
}

template <typename Visitor>
void describe(Visitor& v, Target& target) {
  v.text("name", target.name);
  v.text("dsn", target.dsn);
  v.text("password_file", target.password_file);
  v.choice("mode", target.mode, std::array{Mode::observe, Mode::enforce});
  v.list("rules", target.rules);
  v.section("budget", target.budget);
}

template <typename Visitor>
void describe(Visitor& v, Sampling& sampling) {
  v.number("samples", sampling.samples, range::kSamples);
  v.duration("interval", sampling.interval, range::kSampleInterval);
  v.duration("deadline", sampling.deadline, range::kCaptureDeadline);
  v.duration("stop_deadline", sampling.stop_deadline, range::kStopDeadline);
  v.duration("repeat", sampling.repeat, range::kRepeat);
  v.flag("allow_ptrace_stop", sampling.allow_ptrace_stop);
}

template <typename Visitor>
void describe(Visitor& v, Web& web) {
  v.texts("listen_addresses", web.listen_addresses);
  v.text("telemetry_path", web.telemetry_path);
  v.flag("enable_lifecycle", web.enable_lifecycle);
  v.text("external_url", web.external_url);
  v.text("control_socket", web.control_socket);
  v.text("config_file", web.config_file);
  v.flag("public_details", web.public_details);
}

template <typename Visitor>
void describe(Visitor& v, Log& log) {
  v.choice(
      "level",
      log.level,
      std::array{LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error}
  );
  v.choice("format", log.format, std::array{LogFormat::logfmt, LogFormat::json});
}

template <typename Visitor>
void describe(Visitor& v, Incidents& incidents) {
  v.number("keep", incidents.keep, range::kKept);
  v.size("max_bytes", incidents.max_bytes, range::kIncidentMemory);
}

template <typename Visitor>
void describe(Visitor& v, BundleSettings& bundle) {
  v.text("directory", bundle.directory);
  v.number("keep", bundle.keep, range::kBundles);
  v.flag("stack_memory", bundle.stack_memory);
}

template <typename Visitor>
void describe(Visitor& v, SignatureFiles& signatures) {
  v.texts("files", signatures.files);
}

template <typename Visitor>
void describe(Visitor& v, Symbols& symbols) {
  v.texts("debuginfod_urls", symbols.debuginfod_urls);
  v.duration("debuginfod_timeout", symbols.debuginfod_timeout, range::kDownload);
}

template <typename Visitor>
void describe(Visitor& v, StoreSettings& store) {
  v.text("file", store.file);
  v.duration("max_age", store.max_age, range::kStoreAge);
  v.size("max_bytes", store.max_bytes, range::kStoreBytes);
}

template <typename Visitor>
void describe(Visitor& v, ProtectMatch& match) {
  v.criterion("backend_type", match.backend_type);
  v.criterion("database", match.database);
  v.criterion("user", match.user);
  v.criterion("application_name", match.application_name);
  v.criterion("query", match.query);
}

template <typename Visitor>
void describe(Visitor& v, Protection& protection) {
  v.text("name", protection.name);
  v.section("match", protection.match);
}

template <typename Visitor>
void describe(Visitor& v, BudgetSettings& budget) {
  v.number("actions_per_minute", budget.actions_per_minute, range::kLimit);
  v.number("actions_per_hour", budget.actions_per_hour, range::kLimit);
  v.number("share_percent", budget.share_percent, range::kPercent);
  v.number("unresponsive", budget.unresponsive, range::kLimit);
}

template <typename Visitor>
void describe(Visitor& v, BreakerSettings& breaker) {
  v.number("jump", breaker.jump, range::kLimit);
  v.number("jump_percent", breaker.jump_percent, range::kPercent);
  v.duration("window", breaker.window, range::kBreaker);
  v.duration("quiet", breaker.quiet, range::kBreaker);
}

template <typename Visitor>
void describe(Visitor& v, Settings& settings) {
  v.choice("mode", settings.mode, std::array{Mode::observe, Mode::enforce});
  v.section("polling", settings.polling);
  v.list("targets", settings.targets);
  v.list("rules", settings.rules);
  v.section("sampling", settings.sampling);
  v.section("web", settings.web);
  v.section("log", settings.log);
  v.section("incidents", settings.incidents);
  v.section("bundle", settings.bundle);
  v.section("signatures", settings.signatures);
  v.section("symbols", settings.symbols);
  v.flag("signal_without_sql", settings.signal_without_sql);
  v.section("store", settings.store);
  v.list("protect", settings.protect);
  v.section("budget", settings.budget);
  v.section("breaker", settings.breaker);
}

/// Every key a file may have, in the order above: `mode`, `polling`, `polling.interval`, ...,
/// `rules[].match.state`.
[[nodiscard]] std::vector<std::string> schema_keys();

}  // namespace pghang
