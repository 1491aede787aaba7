#include "config/settings.h"

#include <utility>

namespace pghang {

namespace {

Pattern exactly(std::string text) {
  return {.text = std::move(text), .is_regex = false};
}

/// Longer than any statement an interactive application waits for, short enough to page on.
Rule stuck_query() {
  Rule rule;
  rule.name = "stuck-query";
  rule.match.state.include = {exactly("active")};
  rule.match.query_age = std::chrono::minutes{15};
  rule.action = RuleAction::terminate;
  return rule;
}

/// Such a session holds its locks and keeps vacuum from removing rows in every table.
Rule idle_in_transaction() {
  Rule rule;
  rule.name = "idle-in-transaction";
  rule.match.state.include = {
      exactly("idle in transaction"),
      exactly("idle in transaction (aborted)")};
  rule.match.state_age = std::chrono::minutes{30};
  rule.action = RuleAction::terminate;
  return rule;
}

/// Ending one leaves an invalid index, or a partition detached by half, for a person to clean up.
Protection concurrent_index() {
  Protection protection;
  protection.name = "concurrent-index";
  protection.match.query.include = {
      {.text = R"(\b((create\s+(unique\s+)?|drop\s+)index\s+concurrently|)"
               R"(reindex\b[^;]*\bconcurrently|detach\s+partition\b[^;]*\bconcurrently)\b)",
       .is_regex = true}};
  return protection;
}

/// A backup that has run for hours is not what anybody wants to lose.
Protection dump() {
  Protection protection;
  protection.name = "pg_dump";
  protection.match.application_name.include = {exactly("pg_dump"), exactly("pg_dumpall")};
  return protection;
}

BudgetSettings budget_of(const BudgetSettings& all, const TargetBudget& own) {
  return {
      .actions_per_minute = own.actions_per_minute.value_or(all.actions_per_minute),
      .actions_per_hour = own.actions_per_hour.value_or(all.actions_per_hour),
      .share_percent = own.share_percent.value_or(all.share_percent),
      .unresponsive = own.unresponsive.value_or(all.unresponsive),
  };
}

}  // namespace

Settings default_settings() {
  Settings settings;
  settings.rules = {stuck_query(), idle_in_transaction()};
  settings.protect = {concurrent_index(), dump()};
  return settings;
}

bool same_server(const Target& one, const Target& other) {
  return one.name == other.name && one.dsn == other.dsn && one.password_file == other.password_file;
}

Settings settings_for(const Settings& settings, const Target& target) {
  Settings own = settings;
  own.targets = {target};
  if (target.mode) own.mode = *target.mode;
  if (target.rules) own.rules = *target.rules;
  own.budget = budget_of(settings.budget, target.budget);
  return own;
}

const char* to_string(Mode mode) {
  switch (mode) {
    case Mode::observe: return "observe";
    case Mode::enforce: return "enforce";
  }
  return "observe";
}

const char* to_string(RuleAction action) {
  switch (action) {
    case RuleAction::observe: return "observe";
    case RuleAction::cancel: return "cancel";
    case RuleAction::terminate: return "terminate";
  }
  return "observe";
}

const char* to_string(Victims victims) {
  switch (victims) {
    case Victims::all: return "all";
    case Victims::oldest: return "oldest";
    case Victims::newest: return "newest";
  }
  return "all";
}

const char* to_string(GroupColumn column) {
  switch (column) {
    case GroupColumn::database: return "database";
    case GroupColumn::user: return "user";
    case GroupColumn::application_name: return "application_name";
    case GroupColumn::client_addr: return "client_addr";
    case GroupColumn::query_id: return "query_id";
  }
  return "database";
}

const char* to_string(CaptureMoment moment) {
  switch (moment) {
    case CaptureMoment::before_cancel: return "before_cancel";
    case CaptureMoment::before_terminate: return "before_terminate";
    case CaptureMoment::unresponsive: return "unresponsive";
  }
  return "unresponsive";
}

const char* to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warn: return "warn";
    case LogLevel::error: return "error";
  }
  return "info";
}

const char* to_string(LogFormat format) {
  switch (format) {
    case LogFormat::logfmt: return "logfmt";
    case LogFormat::json: return "json";
  }
  return "logfmt";
}

}  // namespace pghang
