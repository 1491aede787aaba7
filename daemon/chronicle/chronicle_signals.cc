#include "daemon/chronicle/chronicle.h"
#include "daemon/service/logger.h"

namespace pghang {
namespace {

std::optional<double>& step_of(SentSignal& sent, SignalOutcomes::Step step) {
  switch (step) {
    case SignalOutcomes::Step::seen: return sent.seen_seconds;
    case SignalOutcomes::Step::serviced: return sent.serviced_seconds;
    case SignalOutcomes::Step::gone: break;
  }
  return sent.gone_seconds;
}

}  // namespace

void Chronicle::signalled(
    const std::string& target,
    const escalation::SignalOrder& order,
    const SignalReply& reply
) {
  metrics_.signal(target, to_string(order.kind), to_string(reply.answer));
  answered(target, order, reply);
  Incident* incident = book_.find(target, order.id);
  if (reply.answer == escalation::SignalAnswer::accepted) {
    metrics_.signal_window(target, reply.window);
    outcomes_.accepted(target, order.id, order.kind, order.guard.backend, reply.answered_at);
    if (incident != nullptr)
      incident->signals.push_back({to_string(order.kind), wall_clock_(), {}, {}, {}});
    if (looks_wanted_) looks_wanted_();
    return;  // the stage change tells the rest
  }
  std::vector<LogField> fields{
      {"target", target},
      {"pid", std::to_string(order.guard.backend.pid)},
      {"signal", to_string(order.kind)},
      {"answer", to_string(reply.answer)}};
  if (!reply.words.empty()) fields.emplace_back("server_says", reply.words);
  if (incident != nullptr) {
    fields.emplace_back("incident", incident->id);
    if (reply.answer == escalation::SignalAnswer::refused)
      tell_refusal(*incident, order.kind, reply.words);
  }
  log_.warn("signal_not_accepted", fields);
}

void Chronicle::tell_refusal(
    Incident& incident,
    escalation::SignalKind kind,
    const std::string& words
) {
  std::string note = std::string(to_string(kind)) + " refused";
  if (!words.empty()) note += ": " + words;
  // The same refusal again says nothing new.
  if (!incident.timeline.empty() && incident.timeline.back().note == note) return;
  incident.timeline.push_back(TimelineEntry{incident.stage, wall_clock_(), std::move(note)});
}

void Chronicle::looked(
    const SignalOutcomes::Look& look,
    const Result<Glance>& glance,
    escalation::TimePoint now
) {
  tell_steps(outcomes_.looked(look, glance, now));
}

void Chronicle::tell_steps(const std::vector<SignalOutcomes::Reached>& reached) {
  for (const SignalOutcomes::Reached& one : reached) {
    const char* signal = to_string(one.kind);
    switch (one.step) {
      case SignalOutcomes::Step::seen: metrics_.signal_seen(one.target, signal, one.after); break;
      case SignalOutcomes::Step::serviced:
        metrics_.signal_serviced(one.target, signal, one.after);
        break;
      case SignalOutcomes::Step::gone: metrics_.signal_effect(one.target, signal, one.after); break;
    }
    Incident* incident = book_.find(one.target, one.sighting);
    if (incident == nullptr) continue;
    for (SentSignal& sent : incident->signals)
      if (sent.signal == signal) step_of(sent, one.step) = one.after.count();
  }
}

}  // namespace pghang
