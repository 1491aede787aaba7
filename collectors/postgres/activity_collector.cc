#include "collectors/postgres/activity_collector.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "collectors/postgres/utf8.h"
#include "config/pattern.h"

namespace pghang {
namespace asio = boost::asio;

namespace {

/// The columns of activity_sql(), in its order.
enum Column : int {
  taken_at,
  version,
  in_recovery,
  timeline,
  counts_by_state,
  pid,
  backend_start,
  backend_type,
  datname,
  usename,
  application_name,
  client_address,
  state,
  wait_event_type,
  wait_event,
  leader_pid,
  xact_start,
  query_start,
  state_change,
  query,
  rolsuper,
  client_port,
  xmin_age,
  query_id,
};

/// What client_port says of a client that came by a UNIX socket.
constexpr std::int64_t kNoPort = -1;

/// A UTF-8 character that begins within the limit ends at most this much behind it.
constexpr std::uint32_t kLongestTail = 3;
constexpr auto kMostBytes =
    static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max()) - kLongestTail;

/// A rule without a state does not mean sessions that do nothing.
bool asks_for_idle(const TextCriterion& state) {
  return !state.include.empty() && admits(state, "idle");
}

bool asks_for_auxiliary(const TextCriterion& backend_type) {
  return std::any_of(
      backend_type.include.begin(),
      backend_type.include.end(),
      [](const Pattern& pattern) { return pattern.is_regex || pattern.text != "client backend"; }
  );
}

std::optional<std::string> clean_text(const QueryResult& result, int row, Column column) {
  const std::optional<std::string> bytes = result.text(row, column);
  if (!bytes) return std::nullopt;
  return valid_utf8(*bytes);
}

std::optional<Micros> age(PgTimestamp at, std::optional<PgTimestamp> since) {
  if (!since) return std::nullopt;
  // What began between the server's look at its clock and at its sessions is new, not negative.
  return Micros{std::max<std::int64_t>(at.micros - since->micros, 0)};
}

Activity activity_row(
    const QueryResult& result,
    int row,
    pid_t backend,
    PgTimestamp at,
    std::uint32_t query_text_bytes
) {
  Activity activity;
  activity.key = {backend, result.timestamp(row, backend_start).value_or(PgTimestamp{})};
  activity.backend_type = clean_text(result, row, backend_type).value_or("");
  activity.database = clean_text(result, row, datname);
  activity.user = clean_text(result, row, usename);
  activity.application_name = clean_text(result, row, application_name);
  activity.client_address = clean_text(result, row, client_address);
  activity.state = clean_text(result, row, state);
  activity.wait_event_type = clean_text(result, row, wait_event_type);
  activity.wait_event = clean_text(result, row, wait_event);
  if (const auto leader = result.integer(row, leader_pid)) {
    activity.leader_pid = static_cast<pid_t>(*leader);
  }
  activity.xact_start = result.timestamp(row, xact_start);
  activity.query_start = result.timestamp(row, query_start);
  activity.state_change = result.timestamp(row, state_change);
  activity.xact_age = age(at, activity.xact_start);
  activity.query_age = age(at, activity.query_start);
  activity.state_age = age(at, activity.state_change);
  activity.query = valid_utf8(result.text(row, query).value_or(""), query_text_bytes);
  activity.superuser = result.boolean(row, rolsuper).value_or(false);
  activity.local_client = result.integer(row, client_port) == kNoPort;
  activity.xmin_age = result.integer(row, xmin_age);
  activity.query_id = result.integer(row, query_id);
  return activity;
}

/// `active=2,idle=7,=5`: no state of PostgreSQL's has a comma or an equals sign in it.
std::vector<StateCount> state_counts(std::string_view text) {
  std::vector<StateCount> counts;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(entry.size() + 1, text.size()));
    const std::size_t equals = std::min(entry.rfind('='), entry.size());
    StateCount count{std::string(entry.substr(0, equals)), 0};
    const std::string_view number = entry.substr(std::min(equals + 1, entry.size()));
    std::from_chars(number.data(), number.data() + number.size(), count.sessions);
    counts.push_back(std::move(count));
  }
  return counts;
}

std::int32_t bytes_to_fetch(const ActivityFilter& filter) {
  return static_cast<std::int32_t>(std::min(filter.query_text_bytes, kMostBytes) + kLongestTail);
}

}  // namespace

ActivityFilter filter_for(const Settings& settings) {
  ActivityFilter filter;
  filter.query_text_bytes = settings.polling.query_text_bytes;
  for (const Rule& rule : settings.rules) {
    filter.idle = filter.idle || asks_for_idle(rule.match.state);
    filter.auxiliary = filter.auxiliary || asks_for_auxiliary(rule.match.backend_type);
  }
  return filter;
}

asio::awaitable<Result<ActivitySnapshot>>
collect_activity(Connection& connection, ActivityFilter filter, Deadline deadline) {
  ActivitySnapshot snapshot;
  snapshot.server.version_num = connection.server_version();
  snapshot.server.system_identifier = connection.system_identifier();
  std::vector<QueryParameter> parameters;
  parameters.push_back(bool_parameter(filter.idle));
  parameters.push_back(bool_parameter(filter.auxiliary));
  parameters.push_back(int4_parameter(bytes_to_fetch(filter)));
  const Result<QueryResult> result = co_await connection.query_prepared(
      activity_sql(snapshot.server.version_num),
      std::move(parameters),
      deadline
  );
  if (!result) co_return result.error();
  const std::optional<PgTimestamp> at = result->timestamp(0, taken_at);
  if (!at) co_return Error{Errc::malformed, "the activity statement returned no row"};
  snapshot.taken_at = *at;
  snapshot.server.version = clean_text(*result, 0, version).value_or("");
  snapshot.server.in_recovery = result->boolean(0, in_recovery).value_or(false);
  snapshot.server.timeline = result->integer(0, timeline).value_or(0);
  snapshot.counts = state_counts(result->text(0, counts_by_state).value_or(""));
  for (int row = 0; row < result->rows(); ++row) {
    const std::optional<std::int64_t> backend = result->integer(row, pid);
    if (!backend) continue;
    snapshot.rows.push_back(
        activity_row(*result, row, static_cast<pid_t>(*backend), *at, filter.query_text_bytes)
    );
  }
  co_return std::move(snapshot);
}

}  // namespace pghang
