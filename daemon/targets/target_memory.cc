#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/chronicle/chronicle.h"
#include "daemon/chronicle/incident_store.h"
#include "daemon/targets/target_monitor.h"

namespace pghang {
namespace {

std::chrono::steady_clock::time_point now() {
  return std::chrono::steady_clock::now();
}

/// Of a commit into the page cache: 0.1 ms where nothing else writes. A disk that needs longer than
/// this hangs, for what a signal is worth.
constexpr std::chrono::milliseconds kWriteDown{250};

std::string may_have_been_sent(escalation::SignalKind kind) {
  return std::string("pghangd ended while a ") + to_string(kind) +
         " was on its way: it may have been sent, and is not sent again";
}

}  // namespace

void TargetMonitor::remember_in(IncidentStore& store, std::vector<StoredEscalation> left_behind) {
  store_ = &store;
  go_on_with_safeguards(left_behind);
  std::erase_if(left_behind, [](const StoredEscalation& row) {
    return row.sighting == kSafeguardsRow;
  });
  left_behind_ = std::move(left_behind);
  memory_.emplace(target_, store, [this](escalation::SightingId id) {
    return chronicle_.incident_id(target_, id);
  });
  memory_->took_up(left_behind_);
}

void TargetMonitor::go_on_with_safeguards(const std::vector<StoredEscalation>& left_behind) {
  const auto taken = take_up_safeguards(left_behind, target_);
  if (!taken) return;
  const auto open = tracker_.safeguards().resume(taken->saved, taken->same_boot, now());
  for (const escalation::BreakerEvent& breaker : open)
    chronicle_.breaker_changed(target_, breaker);
}

StoredEscalation TargetMonitor::safeguards_left_behind() const {
  return safeguards_row(target_, tracker_.safeguards().saved(now()));
}

void TargetMonitor::remember_all_again() {
  if (memory_) memory_->begin_anew();
  remember();
}

void TargetMonitor::remember() {
  if (memory_) memory_->keep(tracker_, server_, sending_, now());
}

void TargetMonitor::resume(const ServerInfo& server) {
  if (!memory_ || server_) return;
  const std::vector<StoredEscalation> rows = std::exchange(left_behind_, {});
  const std::vector<TakenUp> taken = take_up(rows, server);
  for (const bool same_boot : {true, false}) {
    std::vector<escalation::SavedSighting> saved;
    for (const TakenUp& one : taken) {
      if (one.same_boot != same_boot) continue;
      chronicle_.adopt(target_, one.saved.id, one.incident);
      saved.push_back(one.saved);
    }
    tell(tracker_.resume(saved, same_boot, now()));
  }

  std::set<std::string> go_on;
  for (const TakenUp& one : taken) {
    if (tracker_.find(one.saved.id) == nullptr) continue;
    go_on.insert(one.incident);
    const auto under_way = one.saved.machine.under_way;
    chronicle_.went_on(
        target_,
        one.saved.id,
        under_way ? may_have_been_sent(under_way->kind) : "pghangd was restarted, and goes on"
    );
  }
  chronicle_.end_orphans(
      [&](const Incident& incident) {
        return incident.target == target_ && !go_on.contains(incident.id);
      },
      taken.size() < rows.size()
          ? "another server answers, or it changed its role, since pghangd was restarted"
          : "pghangd was restarted, and does not know how it ended"
  );
}

boost::asio::awaitable<void> TargetMonitor::write_down(const escalation::SignalOrder& order) {
  sending_.insert(order.id);
  const escalation::SightingState* sighting = tracker_.find(order.id);
  if (store_ == nullptr || sighting == nullptr) co_return;
  chronicle_.ordered(target_, order, *sighting, now());
  remember();
  if (!co_await store_->written(kWriteDown)) chronicle_.sent_unrecorded();
}

void TargetMonitor::withhold(
    const escalation::SignalOrder& order,
    escalation::Restraint restraint
) {
  sending_.erase(order.id);
  chronicle_.withheld(target_, order, restraint);
  tell(tracker_.signal_withheld(order.id, order.kind, restraint, now()));
  remember();
}

void TargetMonitor::answered(const escalation::SignalOrder& order, const SignalReply& reply) {
  sending_.erase(order.id);
  chronicle_.signalled(target_, order, reply);
  tell(tracker_.signal_answered(order.id, order.kind, reply.answer, reply.words, now()));
  remember();
}

}  // namespace pghang
