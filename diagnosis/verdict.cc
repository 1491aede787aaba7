#include "diagnosis/verdict.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "diagnosis/facts.h"
#include "diagnosis/place.h"
#include "diagnosis/quotes.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/story.h"
#include "diagnosis/text.h"

namespace pghang {
namespace {

struct Row {
  std::string_view observed;
  bool (*matches)(const Facts&);
  Cause cause;
  Gate gate;
  Confidence at_best = Confidence::certain;
};

bool always(const Facts& /*facts*/) {
  return true;
}

/// For a cancel that was taken the flag is clear again, and what it does now is roll back.
bool taken(const Facts& facts) {
  return facts.flag_set || facts.rolling_back;
}

/// The table of DESIGN section 1, in its order; facts.h says what "over all samples" means. Rows
/// without a number say at which point missing evidence keeps the table from being read further.
constexpr auto kRows = std::to_array<Row>({
    {"1: no process, or a zombie", [](const Facts& f) { return f.gone; }, Cause::gone, Gate::none},
    {"no sample", [](const Facts& f) { return f.samples == 0; }, Cause::unknown, Gate::none},
    {"2: cgroup frozen", [](const Facts& f) { return f.frozen; }, Cause::frozen, Gate::delivery},
    {"state unreadable", [](const Facts& f) { return !f.state_known; }, Cause::unknown, Gate::none},
    {"3: state t", [](const Facts& f) { return f.traced; }, Cause::traced, Gate::delivery},
    {"4: state T", [](const Facts& f) { return f.stopped; }, Cause::stopped, Gate::delivery},
    {"5: PX = 1, I/O counters grow",
     [](const Facts& f) { return f.exiting && f.io_grew; },
     Cause::making_progress,
     Gate::exit},
    {"5: PX = 1", [](const Facts& f) { return f.exiting; }, Cause::exiting, Gate::exit},
    {"6: state D, I/O counters grow",
     [](const Facts& f) { return f.uninterruptible && f.io_grew; },
     Cause::making_progress,
     Gate::delivery},
    {"6: state D, switch counters unchanged",
     [](const Facts& f) { return f.uninterruptible && f.switches_unchanged; },
     Cause::uninterruptible_io,
     Gate::delivery},
    {"7: the signal is in SigIgn",
     [](const Facts& f) { return f.signal_ignored; },
     Cause::signal_ignored,
     Gate::handler},
    {"8: pending and in SigBlk",
     [](const Facts& f) { return f.signal_blocked; },
     Cause::signals_blocked,
     Gate::delivery},
    {"9: pending, not blocked, in every sample",
     [](const Facts& f) { return f.signal_undelivered; },
     Cause::unknown,
     Gate::delivery},
    {"flags unreadable", [](const Facts& f) { return !f.flags_known; }, Cause::unknown, Gate::none},
    {"10: PD = 0 and ProcessInterrupts on the stack",
     [](const Facts& f) { return f.flag_clear_now && f.in_process_interrupts; },
     Cause::blocked_reporting,
     Gate::service},
    {"an auxiliary process shows no flag",
     [](const Facts& f) { return f.overdue && f.flag_clear && f.auxiliary; },
     Cause::unknown,
     Gate::none},
    {"11: accepted longer ago than its grace, PD = 0",
     [](const Facts& f) {
       return f.overdue && f.flag_clear && !f.signal_pending && !f.ignores_idle_cancel &&
              !f.rolling_back;
     },
     Cause::handler_replaced,
     Gate::handler,
     Confidence::likely},
    {"12: PD = 1, Crit > 0",
     [](const Facts& f) { return taken(f) && f.critical; },
     Cause::critical_section,
     Gate::service},
    {"13: PD = 1, H > 0, an LWLock",
     [](const Facts& f) { return taken(f) && f.held && f.lwlock; },
     Cause::lwlock_wait,
     Gate::service},
    {"13: PD = 1, H > 0",
     [](const Facts& f) { return taken(f) && f.held; },
     Cause::interrupts_held,
     Gate::service},
    {"14: PD = 1, state R",
     [](const Facts& f) { return f.flag_set && f.running; },
     Cause::spinning,
     Gate::service},
    {"15: PD = 1, state S, sends to its client",
     [](const Facts& f) { return f.flag_set && f.client_write; },
     Cause::client_write,
     Gate::service},
    {"15: PD = 1, state S",
     [](const Facts& f) { return f.flag_set; },
     Cause::blocking_call,
     Gate::service},
    {"16: nothing was asked of it, or none of the above", always, Cause::not_stuck, Gate::none},
});

/// Samples that disagree, or a single one where the row speaks of no change, are less than certain.
Confidence confidence_of(const Row& row, const Facts& facts) {
  if (row.cause == Cause::unknown) return Confidence::possible;
  // A cancel may also have been caught by the statement.
  if (row.cause == Cause::handler_replaced && facts.judged == Request::cancel)
    return Confidence::possible;
  if (row.at_best != Confidence::certain || row.cause == Cause::gone) return row.at_best;
  const bool guessed =
      (row.cause == Cause::uninterruptible_io && facts.samples == 1) ||
      (row.cause == Cause::blocked_reporting && (!facts.reporting || facts.inferred_interrupts)) ||
      (facts.rolling_back && !facts.flag_set);
  return facts.steady && !guessed ? Confidence::certain : Confidence::likely;
}

}  // namespace

Verdict diagnose(const Evidence& evidence) {
  const Facts facts = facts_of(evidence);
  const auto* const row =
      std::ranges::find_if(kRows, [&facts](const Row& known) { return known.matches(facts); });
  const Place place = place_of(evidence, facts);
  const Story story = story_of(row->cause, evidence, facts, place);
  const Explanation& words = explanation(story);
  const text::Values values = values_of(evidence, facts, place);

  Verdict verdict;
  verdict.cause = row->cause;
  verdict.gate = row->gate;
  verdict.confidence = confidence_of(*row, facts);
  verdict.explanation = to_string(story);
  verdict.summary = text::expand(words.summary, values);
  verdict.detail = quote(row->cause, evidence, facts);
  for (const StepText& step : words.steps)
    if (!step.step.empty() && text::has_values(step.step, values))
      verdict.release.push_back(
          {.step = with_other_pid(text::expand(step.step, values), evidence.capture),
           .price = text::expand(step.price, values)}
      );
  return verdict;
}

SignatureSubject subject_of(const Evidence& evidence, const Verdict& verdict) {
  SignatureSubject subject = subject_of(evidence);
  subject.cause = to_string(verdict.cause);
  subject.gate = to_string(verdict.gate);
  return subject;
}

Verdict diagnose(const Evidence& evidence, const SignatureCatalogue& catalogue) {
  Verdict verdict = diagnose(evidence);
  verdict.signature = catalogue.best(subject_of(evidence, verdict));
  return verdict;
}

}  // namespace pghang
