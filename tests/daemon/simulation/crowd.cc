#include "tests/daemon/simulation/crowd.h"

#include <algorithm>
#include <map>

namespace pghang::escalation::simulation {

namespace {

constexpr std::int64_t kMillisecond = 1'000;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr pid_t kPids = 32'768;

bool holds(const Guard& guard, const Activity& row) {
  return guard.backend == row.key && guard.xact_start == row.xact_start &&
         (!guard.check_query_start || guard.query_start == row.query_start) &&
         (!guard.check_state_change || guard.state_change == row.state_change) &&
         guard.state == row.state;
}

}  // namespace

Crowd::Crowd(std::uint64_t seed, std::size_t sessions) : dice_(seed), clients_(sessions) {
  for (Client& client : clients_)
    connect(client);
}

void Crowd::advance(std::int64_t micros) {
  const std::int64_t until = micros_ + micros;
  while (!due_.empty() && due_.top().first <= until) {
    const auto [at, index] = due_.top();
    due_.pop();
    Client& client = clients_[index];
    if (client.next_event != at) continue;  // it was put off, or brought forward
    micros_ = std::max(micros_, at);
    happen(client);
  }
  micros_ = until;
}

TimePoint Crowd::now() const {
  return TimePoint(std::chrono::microseconds(micros_));
}

ActivitySnapshot Crowd::poll() const {
  ActivitySnapshot snapshot;
  snapshot.taken_at = {micros_};
  std::map<std::string, std::int64_t> counts;
  const auto age = [&](const std::optional<PgTimestamp>& start) {
    return start ? std::optional<Micros>(micros_ - start->micros) : std::nullopt;
  };
  for (const Client& client : clients_) {
    if (!client.alive) continue;
    ++counts[*client.row.state];
    if (client.row.state == "idle") continue;
    Activity& row = snapshot.rows.emplace_back(client.row);
    row.query_age = age(row.query_start);
    row.xact_age = age(row.xact_start);
    row.state_age = age(row.state_change);
  }
  for (const auto& [state, sessions] : counts)
    snapshot.counts.push_back({state, sessions});
  return snapshot;
}

Delivery Crowd::deliver(SignalKind kind, const Guard& guard) {
  if (dice_.chance(0.02)) return {SignalAnswer::unknown, std::nullopt};
  const auto found = by_pid_.find(guard.backend.pid);
  Client* client = found == by_pid_.end() ? nullptr : &clients_[found->second];
  if (client == nullptr || !holds(guard, client->row)) {
    return {SignalAnswer::superseded, std::nullopt};
  }
  if (dice_.chance(0.05)) return {SignalAnswer::refused, std::nullopt};
  const std::uint64_t serial = client->serial;
  const bool obeys = kind == SignalKind::cancel ? client->obeys_cancel : client->obeys_terminate;
  if (obeys) {
    if (kind == SignalKind::terminate) client->row.application_name = "dying";
    schedule(*client, micros_ + dice_.between(1, 2 * kSecond));
  }
  return {dice_.chance(0.02) ? SignalAnswer::unknown : SignalAnswer::accepted, serial};
}

void Crowd::storm(std::size_t how_many) {
  for (Client& client : clients_) {
    if (how_many == 0) return;
    if (!client.alive || client.row.state != "active") continue;
    client.obeys_cancel = dice_.chance(0.5);
    client.obeys_terminate = dice_.chance(0.8);
    schedule(client, micros_ + dice_.between(10 * kMinute, 40 * kMinute));
    --how_many;
  }
}

std::uint64_t Crowd::serial_of(pid_t pid) const {
  const auto found = by_pid_.find(pid);
  return found == by_pid_.end() ? 0 : clients_[found->second].serial;
}

std::size_t Crowd::index_of(const Client& client) const {
  return static_cast<std::size_t>(&client - clients_.data());
}

void Crowd::schedule(Client& client, std::int64_t at) {
  client.next_event = at;
  due_.emplace(at, index_of(client));
}

void Crowd::happen(Client& client) {
  if (!client.alive) return connect(client);
  if (client.row.application_name == "dying") return die(client);
  if (client.row.state == "active") {
    // A commit that comes to wait for its standby is the same statement still.
    if (dice_.chance(0.02) && client.row.wait_event != "SyncRep") {
      client.row.wait_event_type = "IPC";
      client.row.wait_event = "SyncRep";
      return schedule(client, micros_ + some_while());
    }
    return end_statement(client);
  }
  if (dice_.chance(0.05)) return die(client);
  begin_statement(client);
}

void Crowd::connect(Client& client) {
  client.alive = true;
  client.row = Activity{};
  // Pids come again: after a while the same one is somebody else's.
  do
    last_pid_ = last_pid_ % kPids + 1;
  while (by_pid_.contains(last_pid_));
  by_pid_.emplace(last_pid_, index_of(client));
  client.row.key = {.pid = last_pid_, .backend_start = {micros_ + last_pid_ % 7}};
  client.row.backend_type = "client backend";
  client.row.database = "shop";
  client.row.user = "app";
  client.row.application_name = "web";
  const std::int64_t kind = dice_.between(0, 99);
  if (kind < 2) client.row.application_name = "pg_dump";
  if (kind >= 2 && kind < 4) {
    client.row.user = "postgres";
    client.row.superuser = true;
  }
  if (kind == 4) client.row.application_name = "pghangd";
  if (kind == 5) client.row.backend_type = "walsender";
  if (kind == 6) client.row.backend_type = "background worker";
  if (kind == 7) client.row.leader_pid = client.row.key.pid - 1;
  if (kind >= 8 && kind < 40) client.row.application_name = "pool";
  change_state(client, "idle", dice_.between(0, kMinute));
}

void Crowd::begin_statement(Client& client) {
  client.row.query_start = {micros_};
  if (!client.row.xact_start) client.row.xact_start = {micros_};
  client.obeys_cancel = dice_.chance(0.7);
  client.obeys_terminate = dice_.chance(0.9);
  client.row.query = "SELECT 1";
  if (dice_.chance(0.01))
    client.row.query = "/* nightly */ Create Unique Index  Concurrently i ON t (a)";
  change_state(client, "active", some_while());
}

void Crowd::end_statement(Client& client) {
  if (client.row.application_name == "pool" && dice_.chance(0.7)) {  // the next client's at once
    client.row.xact_start.reset();
    return begin_statement(client);
  }
  if (dice_.chance(0.05)) {
    return change_state(client, "idle in transaction", dice_.between(kSecond, 10 * kMinute));
  }
  client.row.xact_start.reset();
  change_state(client, "idle", dice_.between(kMillisecond, 3 * kMinute));
}

void Crowd::die(Client& client) {
  client.alive = false;
  by_pid_.erase(client.row.key.pid);
  schedule(client, micros_ + dice_.between(1, 10 * kSecond));
}

void Crowd::change_state(Client& client, const char* state, std::int64_t lasts) {
  client.serial = ++last_serial_;
  client.row.state = state;
  client.row.state_change = {micros_};
  client.row.wait_event_type.reset();
  client.row.wait_event.reset();
  schedule(client, micros_ + lasts);
}

std::int64_t Crowd::some_while() {
  const std::int64_t kind = dice_.between(0, 999);
  if (kind < 940) return dice_.between(kMillisecond, 5 * kSecond);
  if (kind < 990) return dice_.between(5 * kSecond, kMinute);
  return dice_.between(kMinute, 30 * kMinute);
}

}  // namespace pghang::escalation::simulation
