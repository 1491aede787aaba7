#include "diagnosis/suspects.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "diagnosis/brief.h"
#include "diagnosis/facts.h"
#include "diagnosis/place.h"
#include "diagnosis/quotes.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/text.h"

namespace pghang {
namespace {

constexpr std::uint32_t kLwLockClass = 0x01;

/// The most telling first.
enum class Suspicion { cannot_run, asked_and_there, holds_interrupts, waits_itself };

bool positive(const std::optional<std::int64_t>& flag) {
  return flag && *flag > 0;
}

bool waits_on_lwlock(const InterruptFlags& flags) {
  return flags.wait_event_info && *flags.wait_event_info >> 24U == kLwLockClass;
}

bool holds_interrupts(const InterruptFlags& flags) {
  return positive(flags.interrupt_holdoff_count) || positive(flags.crit_section_count);
}

/// Nothing when it runs, or could.
std::string why_it_cannot_run(const ClusterProcess& process) {
  const Sample& sample = process.sample;
  if (sample.frozen) return "its cgroup is frozen";
  switch (sample.state) {
    case ProcessState::uninterruptible: return "state D, where no signal reaches it";
    case ProcessState::stopped: return "state T, stopped by a signal";
    case ProcessState::traced:
      return process.tracer && process.tracer->pid != 0
                 ? "held by " + text::printable(process.tracer->comm) + " (pid " +
                       std::to_string(process.tracer->pid) + "), which traces it"
                 : "state t, held by a tracer";
    default: return {};
  }
}

struct Ground {
  Suspicion suspicion = Suspicion::cannot_run;
  std::string why;
};

std::optional<Ground> ground_for(const ClusterProcess& process, bool lwlock) {
  const InterruptFlags& flags = process.sample.flags;
  const bool acquitted = lwlock && flags.interrupt_holdoff_count && !holds_interrupts(flags);
  if (acquitted) return std::nullopt;
  if (std::string why = why_it_cannot_run(process); !why.empty())
    return Ground{Suspicion::cannot_run, std::move(why)};

  // One holdoff is that of its own wait: it holds no other lock, and waits like the captured one.
  if (lwlock && waits_on_lwlock(flags)) {
    if (flags.interrupt_holdoff_count.value_or(0) < 2) return std::nullopt;
    return Ground{Suspicion::waits_itself, "waits for an LWLock and may hold another"};
  }
  if (positive(flags.proc_die_pending))
    return Ground{Suspicion::asked_and_there, "ProcDiePending=1 and still there"};
  if (positive(flags.query_cancel_pending))
    return Ground{Suspicion::asked_and_there, "QueryCancelPending=1 and still there"};
  if (holds_interrupts(flags))
    return Ground{Suspicion::holds_interrupts, "waits with interrupts held"};
  return std::nullopt;
}

std::string with_counters(std::string why, const ClusterProcess& process) {
  const std::string counters = quote_holding(process.sample, Request::terminate);
  return counters.empty() ? why : why + "; " + counters;
}

std::string where(const ClusterProcess& process) {
  const Evidence evidence = brief_evidence(process);
  return place_of(evidence, facts_of(evidence)).phrase;
}

}  // namespace

std::vector<Suspect> suspects_of(const Capture& capture) {
  const bool lwlock =
      stack_has(capture.stack, {"LWLockAcquire", "LWLockAcquireOrWait", "LWLockWaitForVar"}) ||
      (!capture.samples.empty() && waits_on_lwlock(capture.samples.back().flags));
  std::vector<std::pair<Suspicion, Suspect>> found;
  for (const ClusterProcess& process : capture.cluster) {
    if (process.key.pid == capture.key.pid) continue;
    auto ground = ground_for(process, lwlock);
    if (!ground) continue;
    found.emplace_back(
        ground->suspicion,
        Suspect{
            .pid = process.key.pid,
            .server_pid = server_pid(process),
            .title = text::printable(process.title),
            .state = process.sample.state,
            .where = where(process),
            .why = with_counters(std::move(ground->why), process)}
    );
  }
  std::ranges::sort(found, {}, [](const auto& entry) {
    return std::tuple(entry.first, entry.second.pid);
  });
  std::vector<Suspect> suspects;
  suspects.reserve(found.size());
  for (auto& entry : found)
    suspects.push_back(std::move(entry.second));
  return suspects;
}

}  // namespace pghang
