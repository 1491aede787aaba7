#include "daemon/targets/target_set.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <random>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/chronicle/chronicle.h"
#include "daemon/chronicle/incident_store.h"
#include "daemon/targets/escalation_memory.h"

namespace pghang {

using boost::asio::as_tuple;
using boost::asio::awaitable;
using boost::asio::use_awaitable;
using Clock = std::chrono::steady_clock;

TargetSet::TargetSet(
    boost::asio::io_context& loop,
    const Settings& settings,
    View& view,
    Chronicle& chronicle,
    CaptureDesk& desk,
    ProcessPort& processes
)
    : loop_(loop),
      settings_(settings),
      view_(view),
      chronicle_(chronicle),
      desk_(desk),
      processes_(processes),
      looks_due_(loop) {
  desk_.tell_looks_to([this](const LookJob& job, const Result<Capture>& result) {
    if (TargetSession* session = session_of(job.session)) {
      session->monitor.looked(job.backend, result);
    }
  });
  chronicle_.when_looks_are_wanted([this] { looks_due_.cancel(); });
  for (const Target& target : settings_.targets)
    add(target);
  publish_modes();
}

TargetSet::~TargetSet() = default;

void TargetSet::start() {
  for (const auto& session : targets_)
    start_polling(*session);
}

TargetSession& TargetSet::add(const Target& target) {
  TargetView& published = view_.targets.emplace_back();
  published.name = target.name;
  published.dsn = safe_dsn(target.dsn);
  const std::uint64_t number = ++sessions_;
  targets_.push_back(std::make_unique<TargetSession>(
      loop_.get_executor(),
      target,
      settings_for(settings_, target),
      number,
      chronicle_,
      [this, number](const escalation::CaptureOrder& order) { submit(number, order); },
      [this, number](const BackendKey& backend) { look(number, backend); }
  ));
  targets_.back()->monitor.watch_processes_with(processes_);
  targets_.back()->monitor.pause(paused_);
  return *targets_.back();
}

void TargetSet::publish_modes() {
  const auto word = [](Mode mode) {
    return mode == Mode::enforce ? "enforce" : "observe";
  };
  view_.mode = word(settings_.mode);
  for (const Target& target : settings_.targets) {
    const auto published = std::ranges::find(view_.targets, target.name, &TargetView::name);
    if (published != view_.targets.end())
      published->mode = word(settings_for(settings_, target).mode);
  }
}

void TargetSet::apply() {
  std::vector<std::unique_ptr<TargetSession>> before = std::exchange(targets_, {});
  for (auto& session : before) {
    const auto kept = std::ranges::find_if(settings_.targets, [&](const Target& target) {
      return same_server(target, session->target);
    });
    if (kept == settings_.targets.end()) {
      retire(std::move(session));
      continue;
    }
    session->target = *kept;
    const Settings own = settings_for(settings_, *kept);
    session->activity.configure(own.polling, filter_for(own));
    session->monitor.reconfigure(own);
    targets_.push_back(std::move(session));
  }
  for (const Target& target : settings_.targets) {
    if (session_of(target.name) != nullptr) continue;
    TargetSession& added = add(target);
    std::vector<StoredEscalation> left;
    if (auto node = safeguards_left_.extract(target.name)) left.push_back(std::move(node.mapped()));
    if (store_) {
      added.monitor.remember_in(*store_, std::move(left));
    } else {
      added.monitor.go_on_with_safeguards(left);
    }
    start_polling(added);
  }
  publish_modes();
}

// The session lives on until what is under way has ended: that is bounded.
void TargetSet::retire(std::unique_ptr<TargetSession> session) {
  session->monitor.retire("the target was removed from the configuration");
  safeguards_left_.insert_or_assign(
      session->target.name,
      session->monitor.safeguards_left_behind()
  );
  session->retired = true;
  session->pause.cancel();
  session->next_look.cancel();
  chronicle_.forget(session->target.name);
  retiring_.push_back(std::move(session));
}

void TargetSet::take_up(StoreContents contents, IncidentStore& store) {
  store_ = &store;
  chronicle_.keep_in(store);
  chronicle_.take_up(std::move(contents.incidents));
  for (const auto& session : targets_) {
    std::vector<StoredEscalation> rows;
    std::ranges::copy_if(contents.escalations, std::back_inserter(rows), [&](const auto& row) {
      return row.target == session->monitor.target();
    });
    session->monitor.remember_in(store, std::move(rows));
  }
  for (const StoredEscalation& row : contents.escalations) {
    if (session_of(row.target) != nullptr || keep_for_return(row)) continue;
    store.erase_escalation(row.target, row.sighting);
  }
  chronicle_.end_orphans(
      [this](const Incident& incident) { return session_of(incident.target) == nullptr; },
      "its target is not configured any more, and nobody knows how it ended"
  );
  store.flush();
}

void TargetSet::take_up_late(const StoreContents& contents) {
  for (const auto& session : targets_)
    session->monitor.go_on_with_safeguards(contents.escalations);
  for (const StoredEscalation& row : contents.escalations)
    if (session_of(row.target) == nullptr) (void)keep_for_return(row);
}

bool TargetSet::keep_for_return(const StoredEscalation& row) {
  if (row.sighting != kSafeguardsRow || !still_counts(row, Clock::now())) return false;
  safeguards_left_.try_emplace(row.target, row);
  return true;
}

void TargetSet::remember_all_again() {
  for (const auto& session : targets_)
    session->monitor.remember_all_again();
}

void TargetSet::pause(bool paused) {
  paused_ = paused;
  for (const auto& session : targets_)
    session->monitor.pause(paused);
}

LifecycleAnswer TargetSet::reset_breakers(
    const std::string& target,
    const std::string& rule,
    const std::string& by
) {
  std::string closed;
  for (const auto& session : targets_) {
    if (!target.empty() && session->monitor.target() != target) continue;
    const std::vector<std::string> rules = session->monitor.reset_breakers(rule);
    chronicle_.breakers_reset(session->monitor.target(), rules, by);
    for (const std::string& name : rules)
      closed += (closed.empty() ? "" : ", ") + name + " on " + session->monitor.target();
  }
  return {closed.empty() ? "no breaker was open" : "closed: " + closed};
}

TargetSession* TargetSet::session_of(std::uint64_t number) const {
  const auto found = std::ranges::find_if(targets_, [&](const auto& session) {
    return session->number == number;
  });
  return found == targets_.end() ? nullptr : found->get();
}

TargetSession* TargetSet::session_of(const std::string& target) const {
  const auto found = std::ranges::find_if(targets_, [&](const auto& session) {
    return session->target.name == target;
  });
  return found == targets_.end() ? nullptr : found->get();
}

void TargetSet::start_polling(TargetSession& session) {
  if (session.loops > 0) return;
  const auto ended = [this, number = session.number](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
    std::erase_if(retiring_, [&](const auto& one) {
      return one->number == number && --one->loops == 0;
    });
  };
  session.loops = 2;
  boost::asio::co_spawn(loop_, poll_forever(session), ended);
  boost::asio::co_spawn(loop_, look_at_processes_forever(session), ended);
}

awaitable<void> TargetSet::poll_forever(TargetSession& session) {
  std::minstd_rand random(std::random_device{}());
  unsigned failures = 0;
  while (!session.retired) {
    const Clock::time_point started = Clock::now();
    const std::int64_t started_at_micros = wall_clock_micros();
    const bool answered = co_await session.monitor.poll_once();
    if (session.retired) co_return;
    failures = answered ? 0 : failures + 1;
    const pid_t own_backend = session.connection.backend_pid();
    if (!answered && own_backend == 0) session.monitor.connection_lost(session.located_by);
    if (answered && session.located_by != own_backend) {
      session.connected_at_micros = started_at_micros;
      connected(session, own_backend);
    }
    session.polled = true;
    view_.ready =
        view_.ready || std::ranges::all_of(targets_, [](const auto& one) { return one->polled; });
    Clock::time_point next = started + settings_.polling.interval;
    if (!answered) {
      const double random01 = std::uniform_real_distribution<double>()(random);
      next = Clock::now() + reconnect_delay(failures, settings_.polling.reconnect_max, random01);
    }
    session.pause.expires_at(std::max(next, Clock::now()));
    co_await session.pause.async_wait(as_tuple(use_awaitable));
  }
}

// Beside the polls, which may take as long as their deadlines.
awaitable<void> TargetSet::look_at_processes_forever(TargetSession& session) {
  for (;;) {
    session.next_look.expires_after(settings_.polling.interval);
    co_await session.next_look.async_wait(as_tuple(use_awaitable));
    if (session.retired) co_return;
    ProcessScene scene;
    scene.server_process = session.server_process();
    // Of a server elsewhere it is no pid of this host.
    if (session.whereabouts.local() != false) scene.own_backend = session.located_by;
    scene.own_backend_started_micros = session.connected_at_micros;
    co_await session.monitor.look_at_processes(scene);
  }
}

}  // namespace pghang
