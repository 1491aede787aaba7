#include "tests/daemon/escalation/fake_server.h"

#include <algorithm>
#include <array>

namespace pghang::escalation::testing {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMillisecond = 1'000;
constexpr std::int64_t kChanceResolution = 1'000'000;

struct Kind {
  const char* backend_type;
  const char* user;
  const char* application_name;
  const char* query;
  bool superuser;
  bool led;  ///< has a leader
};

constexpr std::array kKinds{
    Kind{"client backend", "app", "web", "SELECT 1", false, false},
    Kind{"client backend", "app", "web", "SELECT 2", false, false},
    Kind{"client backend", "app", "pool", "SELECT 3", false, false},
    Kind{"client backend", "app", "pool", "SELECT 4", false, false},
    Kind{"client backend", "batch", "cron", "SELECT 5", false, false},
    Kind{"client backend", "root", "psql", "SELECT 6", true, false},
    Kind{"client backend", "postgres", "psql", "SELECT 7", true, false},
    Kind{"client backend", "app", "pghangd", "SELECT 8", false, false},
    Kind{"parallel worker", "app", "web", "SELECT 1", false, true},
    Kind{"background worker", "app", "cron", "CALL work()", false, false},
    Kind{"walsender", "app", "standby", "START_REPLICATION", false, false},
    Kind{"autovacuum worker", "", "", "autovacuum: VACUUM public.t", false, false},
    Kind{
        "autovacuum worker",
        "",
        "",
        "autovacuum: VACUUM public.u (to prevent wraparound)",
        false,
        false},
};

bool holds(const Guard& guard, const Activity& row) {
  return guard.backend == row.key && guard.xact_start == row.xact_start &&
         (!guard.check_query_start || guard.query_start == row.query_start) &&
         (!guard.check_state_change || guard.state_change == row.state_change) &&
         guard.state == row.state;
}

}  // namespace

bool Dice::chance(double probability) {
  return static_cast<double>(between(0, kChanceResolution - 1)) < probability * kChanceResolution;
}

std::int64_t Dice::between(std::int64_t low, std::int64_t high) {
  const auto span = static_cast<std::uint64_t>(high - low) + 1;
  return low + static_cast<std::int64_t>(engine_() % span);
}

FakeServer::FakeServer(std::uint64_t seed) : dice_(seed) {
  pid_t pid = 100;
  for (const Kind& kind : kKinds) {
    FakeSession& session = sessions_.emplace_back();
    session.row.key.pid = ++pid;
    session.row.backend_type = kind.backend_type;
    session.row.user = kind.user;
    session.row.application_name = kind.application_name;
    session.row.query = kind.query;
    session.row.superuser = kind.superuser;
    if (kind.led) session.row.leader_pid = 101;
    connect(session);
  }
}

void FakeServer::advance(std::int64_t micros) {
  const std::int64_t until = micros_ + micros;
  while (true) {
    const auto next = std::ranges::min_element(sessions_, {}, &FakeSession::next_event);
    if (next->next_event > until) break;
    micros_ = std::max(micros_, next->next_event);
    happen(*next);
  }
  micros_ = until;
}

TimePoint FakeServer::now() const {
  return TimePoint(std::chrono::microseconds(micros_));
}

ActivitySnapshot FakeServer::snapshot() const {
  ActivitySnapshot snapshot;
  snapshot.taken_at = {micros_};
  const auto age = [&](const std::optional<PgTimestamp>& start) {
    return start ? std::optional<Micros>(micros_ - start->micros) : std::nullopt;
  };
  for (const FakeSession& session : sessions_) {
    if (!session.alive) continue;
    Activity& row = snapshot.rows.emplace_back(session.row);
    row.query_age = age(row.query_start);
    row.xact_age = age(row.xact_start);
    row.state_age = age(row.state_change);
  }
  return snapshot;
}

Delivery FakeServer::deliver(SignalKind kind, const Guard& guard) {
  if (dice_.chance(0.05)) return {SignalAnswer::unknown, std::nullopt};
  const auto session = std::ranges::find_if(sessions_, [&](const FakeSession& candidate) {
    return candidate.alive && holds(guard, candidate.row);
  });
  if (session == sessions_.end()) return {SignalAnswer::superseded, std::nullopt};
  if (dice_.chance(0.1)) return {SignalAnswer::refused, std::nullopt};
  const std::uint64_t serial = session->serial;
  signal(*session, kind);
  return {dice_.chance(0.05) ? SignalAnswer::unknown : SignalAnswer::accepted, serial};
}

void FakeServer::somebody_signals() {
  const auto last = static_cast<std::int64_t>(sessions_.size()) - 1;
  FakeSession& session = sessions_[static_cast<std::size_t>(dice_.between(0, last))];
  const bool cancel = dice_.chance(0.5);
  if (session.alive) signal(session, cancel ? SignalKind::cancel : SignalKind::terminate);
}

const FakeSession* FakeServer::find(pid_t pid) const {
  const auto session = std::ranges::find_if(sessions_, [&](const FakeSession& candidate) {
    return candidate.alive && candidate.row.key.pid == pid;
  });
  return session == sessions_.end() ? nullptr : &*session;
}

void FakeServer::happen(FakeSession& session) {
  if (!session.alive) return connect(session);
  if (session.row.state != "active") {
    if (dice_.chance(0.1)) return disconnect(session);
    return begin_statement(session);
  }
  end_statement(session);
}

void FakeServer::connect(FakeSession& session) {
  session.alive = true;
  session.terminate_pending = false;
  session.row.key.backend_start = {micros_};
  session.row.xact_start.reset();
  session.row.query_start.reset();
  change_state(session, "idle");
}

void FakeServer::begin_statement(FakeSession& session) {
  session.row.query_start = {micros_};
  if (!session.row.xact_start) session.row.xact_start = {micros_};
  session.obeys_cancel = dice_.chance(0.5);
  session.obeys_terminate = dice_.chance(0.7);
  change_state(session, "active");
}

void FakeServer::end_statement(FakeSession& session) {
  if (session.terminate_pending && dice_.chance(0.9)) return disconnect(session);
  // A handler that an extension replaced: the signal is lost and the backend lives on.
  session.terminate_pending = false;
  if (dice_.chance(0.3)) {  // a pooler: the next client's statement at once
    session.row.xact_start.reset();
    return begin_statement(session);
  }
  if (dice_.chance(0.4)) {
    return change_state(
        session,
        dice_.chance(0.2) ? "idle in transaction (aborted)" : "idle in transaction"
    );
  }
  session.row.xact_start.reset();
  change_state(session, "idle");
}

void FakeServer::disconnect(FakeSession& session) {
  session.alive = false;
  session.next_event = micros_ + dice_.between(1, 10 * kSecond);
}

void FakeServer::change_state(FakeSession& session, const std::string& state) {
  session.serial = ++last_serial_;
  session.row.state = state;
  session.row.state_change = {micros_};
  session.row.wait_event.reset();
  if (dice_.chance(0.3)) session.row.wait_event = dice_.chance(0.3) ? "SyncRep" : "DataFileRead";
  session.next_event = micros_ + some_while();
}

void FakeServer::signal(FakeSession& session, SignalKind kind) {
  const bool idle = session.row.state != "active";
  if (kind == SignalKind::cancel) {
    if (!idle && session.obeys_cancel) {
      session.next_event = micros_ + dice_.between(1, 2 * kSecond);
    }
    return;
  }
  if (idle || session.obeys_terminate) {
    // Some idle ones sit in D state: they stay until their next event.
    if (!idle || session.obeys_cancel) disconnect(session);
    return;
  }
  session.terminate_pending = true;
}

std::int64_t FakeServer::some_while() {
  const std::int64_t kind = dice_.between(0, 9);
  if (kind < 4) return dice_.between(10 * kMillisecond, 2 * kSecond);
  if (kind < 7) return dice_.between(2 * kSecond, 60 * kSecond);
  if (kind < 9) return dice_.between(60 * kSecond, 400 * kSecond);
  return dice_.between(400 * kSecond, 4'000 * kSecond);
}

}  // namespace pghang::escalation::testing
