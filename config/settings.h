#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/network.h"
#include "config/time_window.h"

/// The configuration as values, apart from its file format (config/loader.h reads that).
/// default_settings() is what `config/pghangd.yaml` says; a test holds the two together.
namespace pghang {

using Duration = std::chrono::milliseconds;

/// Whether any signal is sent at all.
enum class Mode {
  observe,  ///< match, capture and export; send nothing
  enforce,  ///< also cancel and terminate as the rules say
};

/// How far a rule may go with a backend it matches.
enum class RuleAction {
  observe,    ///< never signal, whatever the mode
  cancel,     ///< pg_cancel_backend only
  terminate,  ///< pg_cancel_backend, then pg_terminate_backend
};

/// One way to match a string: exact, or a regular expression. In the file a value that starts with
/// `/` is a regular expression (as in pg_hba.conf and pg_ident.conf), searched for, not anchored.
/// ECMAScript syntax without back-references; the loader has compiled it once, so it is valid.
/// compile_pattern() of config/pattern.h compiles it for matching.
struct Pattern {
  std::string text;  ///< without the leading slash
  bool is_regex = false;

  friend bool operator==(const Pattern&, const Pattern&) = default;
};

/// What a column may be. It holds when any `include` matches (or there is none) and no `exclude`
/// does. A NULL column never matches an include and never matches an exclude.
template <typename T>
struct Criterion {
  std::vector<T> include;
  std::vector<T> exclude;

  [[nodiscard]] bool empty() const { return include.empty() && exclude.empty(); }

  friend bool operator==(const Criterion&, const Criterion&) = default;
};

using TextCriterion = Criterion<Pattern>;
using NetworkCriterion = Criterion<Network>;
using QueryIdCriterion = Criterion<std::int64_t>;

/// What a rule asks of a backend. All criteria that are set must hold (AND), and what is not known
/// does not hold.
struct Match {
  TextCriterion state;         ///< active, idle in transaction, ...
  TextCriterion backend_type;  ///< empty means `client backend` only
  TextCriterion database;
  TextCriterion user;
  TextCriterion application_name;
  TextCriterion wait_event_type;            ///< case-insensitive: spellings changed in 17
  TextCriterion wait_event;                 ///< case-insensitive
  std::optional<Duration> query_age;        ///< at least this long since query_start
  std::optional<Duration> transaction_age;  ///< at least this long since xact_start
  std::optional<Duration> state_age;        ///< at least this long since state_change
  NetworkCriterion client_addr;             ///< where the client connects from
  TextCriterion query;                      ///< the statement with its constants masked, as shown
  QueryIdCriterion query_id;                ///< 14 and later
  std::optional<std::uint32_t> xmin_age_over;  ///< age(backend_xmin) is more than so many
  /// A transaction, failed or not, whose session has been idle at least this long.
  std::optional<Duration> idle_in_transaction;
  std::optional<bool> in_recovery;                 ///< whether the server is
  std::optional<std::uint32_t> blocking_at_least;  ///< backends that wait behind it for locks
  std::optional<Duration> not_advancing;           ///< no CPU, no I/O, the same wait for so long
  std::optional<Duration> terminate_ignored_for;   ///< somebody's terminate is pending so long

  friend bool operator==(const Match&, const Match&) = default;
};

/// Which of the backends that a rule matches it is about.
enum class Victims {
  all,     ///< each of them
  oldest,  ///< of each group the one whose statement began first
  newest,  ///< of each group the one whose statement began last
};

/// What backends of one group have in common.
enum class GroupColumn { database, user, application_name, client_addr, query_id };

/// When the evidence of a backend is taken.
enum class CaptureMoment {
  before_cancel,     ///< ahead of the first signal, whichever that is
  before_terminate,  ///< ahead of a terminate
  unresponsive,      ///< once it did not obey, and where nothing will be sent; then repeated
};

struct Rule {
  std::string name;  ///< metric label; unique; [a-z0-9_-]+
  Match match;
  Duration for_{0};  ///< must match continuously this long before the rule fires
  RuleAction action = RuleAction::observe;
  Duration cancel_grace{std::chrono::seconds{30}};     ///< accepted cancel → next step
  Duration terminate_grace{std::chrono::seconds{30}};  ///< accepted terminate → unresponsive
  Victims victims = Victims::all;
  std::vector<GroupColumn>
      group_by;                    ///< of victims; empty: all that the rule matches are one group
  std::vector<TimeWindow> active;  ///< matches only within one of these; empty: always
  std::vector<CaptureMoment> capture{CaptureMoment::unresponsive};  ///< empty: never

  friend bool operator==(const Rule&, const Rule&) = default;
};

/// What one target's budget says in place of BudgetSettings; absent: as that.
struct TargetBudget {
  std::optional<std::uint32_t> actions_per_minute;
  std::optional<std::uint32_t> actions_per_hour;
  std::optional<std::uint32_t> share_percent;
  std::optional<std::uint32_t> unresponsive;

  friend bool operator==(const TargetBudget&, const TargetBudget&) = default;
};

/// One PostgreSQL server.
struct Target {
  std::string name = "main";  ///< metric label; unique
  /// libpq connection string or URI. Secrets in it are never printed: use safe_dsn() of
  /// collectors/postgres for anything that a person sees.
  std::string dsn = "dbname=postgres";
  /// File holding the password alone, if set. `${CREDENTIALS_DIRECTORY}` at its start is replaced
  /// by systemd's credential directory. libpq's own passfile and PGPASSWORD work without it.
  std::string password_file;
  std::optional<Mode> mode;                ///< absent: Settings::mode
  std::optional<std::vector<Rule>> rules;  ///< absent: Settings::rules
  TargetBudget budget;

  friend bool operator==(const Target&, const Target&) = default;
};

/// The same server, reached in the same way: what else they say may differ.
[[nodiscard]] bool same_server(const Target& one, const Target& other);

/// How often and how long pghangd talks to PostgreSQL.
struct Polling {
  Duration interval{std::chrono::seconds{5}};
  Duration statement_timeout{std::chrono::seconds{2}};  ///< also the client-side deadline of a poll
  Duration connect_timeout{std::chrono::seconds{5}};
  Duration reconnect_max{std::chrono::seconds{30}};  ///< cap of the jittered back-off
  std::uint32_t query_text_bytes = 1024;             ///< at most this much of `query` is fetched

  friend bool operator==(const Polling&, const Polling&) = default;
};

/// One capture: several samples of one process, one stack.
struct Sampling {
  std::uint32_t samples = 3;                   ///< 1 to 20
  Duration interval{20};                       ///< between samples
  Duration deadline{std::chrono::seconds{2}};  ///< a capture child is ended after this
  Duration stop_deadline{50};                  ///< wait for a ptrace stop at most this
  Duration repeat{std::chrono::seconds{30}};   ///< an open incident is captured again
  bool allow_ptrace_stop = true;               ///< false: never stop a running backend

  friend bool operator==(const Sampling&, const Sampling&) = default;
};

struct Web {
  std::vector<std::string> listen_addresses{"127.0.0.1:10187"};  ///< host:port, [v6]:port, :port
  std::string telemetry_path = "/metrics";
  bool enable_lifecycle = false;  ///< POST /-/reload, /-/pause, /-/resume, /-/breaker/reset
  /// UNIX socket for `pghangd pause` and `resume`; empty: none. `${RUNTIME_DIRECTORY}` at its start
  /// is systemd's.
  std::string control_socket = "${RUNTIME_DIRECTORY}/control.sock";
  std::string external_url;  ///< where a browser reaches the pages; empty: the first listener
  std::string config_file;   ///< TLS and login (config/web_config.h); empty: neither
  /// Whoever reaches an address that is not loopback sees query texts and stacks without a login.
  bool public_details = false;

  friend bool operator==(const Web&, const Web&) = default;
};

enum class LogLevel { debug, info, warn, error };
enum class LogFormat { logfmt, json };

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::logfmt;

  friend bool operator==(const Log&, const Log&) = default;
};

/// What is kept in memory about past incidents.
struct Incidents {
  std::uint32_t keep = 1000;            ///< resolved incidents kept, oldest dropped first
  std::uint64_t max_bytes = 8U << 20U;  ///< bound of the memory they take together

  friend bool operator==(const Incidents&, const Incidents&) = default;
};

/// Evidence of incidents on disk, for `pghangd replay`.
struct BundleSettings {
  std::string
      directory;  ///< empty: none is written. `${STATE_DIRECTORY}` at its start is systemd's
  std::uint32_t keep = 200;   ///< files kept, oldest dropped first
  bool stack_memory = false;  ///< also what was on the backend's stack: it may hold data

  friend bool operator==(const BundleSettings&, const BundleSettings&) = default;
};

/// Known causes beyond those that are compiled in.
struct SignatureFiles {
  std::vector<std::string> files;  ///< absolute paths, read as config/signatures.yaml is

  friend bool operator==(const SignatureFiles&, const SignatureFiles&) = default;
};

/// Where debug files come from, beyond what is installed.
struct Symbols {
  std::vector<std::string> debuginfod_urls;  ///< http:// or https://; empty: nothing is downloaded
  Duration debuginfod_timeout{std::chrono::seconds{30}};  ///< of a download, at least 2 s

  friend bool operator==(const Symbols&, const Symbols&) = default;
};

/// What outlives the daemon: incidents, signals sent, open escalations.
struct StoreSettings {
  /// Empty: nothing does. `${STATE_DIRECTORY}` at its start is systemd's; where that is not set,
  /// as without systemd, nothing does either.
  std::string file = "${STATE_DIRECTORY}/pghangd.db";
  Duration max_age{std::chrono::hours{24 * 90}};  ///< of resolved incidents and their signals
  std::uint64_t max_bytes = 256U << 20U;          ///< of the file; the oldest go first

  friend bool operator==(const StoreSettings&, const StoreSettings&) = default;
};

/// What an entry of `protect` asks of a backend. All criteria that are set must hold (AND).
struct ProtectMatch {
  TextCriterion backend_type;
  TextCriterion database;
  TextCriterion user;
  TextCriterion application_name;
  TextCriterion query;  ///< over the text as the server shows it; case-insensitive

  friend bool operator==(const ProtectMatch&, const ProtectMatch&) = default;
};

/// Backends that no rule may signal.
struct Protection {
  std::string name;  ///< in log, plan and pages; unique
  ProtectMatch match;

  friend bool operator==(const Protection&, const Protection&) = default;
};

/// How much may be done to one server, whatever the rules match (daemon/escalation/budget.h).
struct BudgetSettings {
  std::uint32_t actions_per_minute = 10;  ///< signals tried in any 60 s
  std::uint32_t actions_per_hour = 60;    ///< signals tried in any 3600 s
  std::uint32_t share_percent = 20;       ///< of all sessions: escalations under way at once
  std::uint32_t unresponsive = 5;  ///< so many unresponsive backends: nothing more is signalled

  friend bool operator==(const BudgetSettings&, const BudgetSettings&) = default;
};

/// When a rule that suddenly matches many is stopped (daemon/escalation/breaker.h).
struct BreakerSettings {
  std::uint32_t jump = 5;           ///< backends more than the least within `window`
  std::uint32_t jump_percent = 10;  ///< the same, in percent of all sessions; the larger counts
  Duration window{std::chrono::minutes{10}};
  Duration quiet{std::chrono::minutes{10}};  ///< without a new high: it closes by itself

  friend bool operator==(const BreakerSettings&, const BreakerSettings&) = default;
};

struct Settings {
  Mode mode = Mode::observe;
  Polling polling;
  std::vector<Target> targets{Target{}};
  std::vector<Rule> rules;  ///< tried in order, the first that matches wins
  Sampling sampling;
  Web web;
  Log log;
  Incidents incidents;
  BundleSettings bundle;
  SignatureFiles signatures;
  Symbols symbols;
  /// While SQL does not work, matched backends are signalled by the helper (needs CAP_KILL).
  bool signal_without_sql = false;
  StoreSettings store;
  std::vector<Protection> protect;
  BudgetSettings budget;
  BreakerSettings breaker;

  friend bool operator==(const Settings&, const Settings&) = default;
};

/// The built-in configuration: what `config/pghangd.yaml`, as shipped, loads to. Every member is
/// its default above, and two rules and two protections are there.
[[nodiscard]] Settings default_settings();

/// The settings as one of its targets has them: that target alone, its own mode, rules and limits
/// where it has any.
[[nodiscard]] Settings settings_for(const Settings& settings, const Target& target);

/// The enumerators' own spellings, in the file as in metrics, log and JSON.
[[nodiscard]] const char* to_string(Mode mode);
[[nodiscard]] const char* to_string(RuleAction action);
[[nodiscard]] const char* to_string(Victims victims);
[[nodiscard]] const char* to_string(GroupColumn column);
[[nodiscard]] const char* to_string(CaptureMoment moment);
[[nodiscard]] const char* to_string(LogLevel level);
[[nodiscard]] const char* to_string(LogFormat format);

}  // namespace pghang
