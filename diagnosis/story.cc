#include "diagnosis/story.h"

#include <algorithm>
#include <array>

#include "diagnosis/backend_kind.h"
#include "diagnosis/scene.h"

namespace pghang {
namespace {

struct Case {
  Cause cause;
  bool (*matches)(const Scene&);
  Story story;
};

bool always(const Scene& /*scene*/) {
  return true;
}

/// The first case of the cause that matches, tells the story. The last of each always matches.
constexpr auto kCases = std::to_array<Case>({
    {Cause::critical_section, orphaned, Story::orphan},
    {Cause::lwlock_wait, orphaned, Story::orphan},
    {Cause::interrupts_held, orphaned, Story::orphan},
    {Cause::spinning, orphaned, Story::orphan},
    {Cause::blocking_call, orphaned, Story::orphan},
    {Cause::client_write, orphaned, Story::orphan},
    {Cause::handler_replaced, orphaned, Story::orphan},
    {Cause::not_stuck, orphaned, Story::orphan},

    {Cause::gone, [](const Scene& s) { return !s.capture().gone; }, Story::zombie},
    {Cause::gone, always, Story::gone},
    {Cause::frozen, always, Story::frozen},
    {Cause::traced, always, Story::traced},
    {Cause::stopped, always, Story::stopped},
    {Cause::exiting, waits_for_workers, Story::held_workers},
    {Cause::exiting, waits_for_copy_program, Story::copy_program},
    {Cause::exiting, writes_to_log, Story::log_pipe},
    {Cause::exiting, always, Story::exiting},
    {Cause::making_progress,
     [](const Scene& s) { return s.facts.exiting; },
     Story::progress_exiting},
    {Cause::making_progress, always, Story::progress_io},

    {Cause::uninterruptible_io,
     [](const Scene& s) {
       return s.on_mount() && s.kernel_has({"percpu_rwsem_wait", "sb_start_write"});
     },
     Story::io_frozen_file_system},
    {Cause::uninterruptible_io, on_network_file_system, Story::io_network_file_system},
    {Cause::uninterruptible_io, [](const Scene& s) { return s.on_mount(); }, Story::io_file},
    {Cause::uninterruptible_io, always, Story::io},

    {Cause::signal_ignored,
     [](const Scene& s) {
       return s.facts.judged != Request::cancel && ignores_terminate_by_design(s.facts.kind);
     },
     Story::ignored_by_design},
    {Cause::signal_ignored, always, Story::ignored},

    {Cause::signals_blocked,
     [](const Scene& s) {
       return stack_has(s.evidence, {"dsm_create", "dsm_impl_op"});
     },
     Story::blocked_shared_memory},
    {Cause::signals_blocked, always, Story::blocked},

    {Cause::blocked_reporting,
     [](const Scene& s) { return stack_has(s.evidence, {"write_pipe_chunks"}); },
     Story::reporting_log},
    {Cause::blocked_reporting,
     [](const Scene& s) { return s.facts.client_write; },
     Story::reporting_client},
    {Cause::blocked_reporting, always, Story::reporting},

    {Cause::handler_replaced,
     [](const Scene& s) { return s.facts.judged == Request::cancel; },
     Story::cancel_vanished},
    {Cause::handler_replaced, always, Story::handler_replaced},
    {Cause::critical_section, waits_for_wal, Story::wal_convoy},
    {Cause::critical_section, always, Story::critical_section},
    {Cause::lwlock_wait, waits_for_wal, Story::wal_convoy},
    {Cause::lwlock_wait, always, Story::lwlock},

    {Cause::interrupts_held, waits_for_standby, Story::sync_rep},
    {Cause::interrupts_held, waits_in_recovery_conflict, Story::recovery_conflict},
    {Cause::interrupts_held, ends_with_the_server, Story::walsender_shutdown},
    {Cause::interrupts_held, waits_for_copy_program, Story::copy_program},
    {Cause::interrupts_held, waits_for_workers, Story::held_workers},
    {Cause::interrupts_held, authenticates, Story::authentication},
    {Cause::interrupts_held,
     [](const Scene& s) { return s.facts.rolling_back; },
     Story::held_rollback},
    {Cause::interrupts_held,
     [](const Scene& s) { return s.capture().samples.back().flags.interrupt_holdoff_count == 0; },
     Story::held_protocol},
    {Cause::interrupts_held,
     [](const Scene& s) { return s.evidence.activity && s.evidence.activity->leader_pid; },
     Story::held_worker},
    {Cause::interrupts_held, always, Story::held},

    {Cause::spinning, authenticates, Story::authentication},
    {Cause::spinning, in_procedural_language, Story::procedural_loop},
    {Cause::spinning,
     [](const Scene& s) { return !s.place.modules.empty(); },
     Story::spinning_library},
    {Cause::spinning, always, Story::spinning},

    {Cause::blocking_call,
     [](const Scene& s) { return s.opens_fifo() && s.opens_for_writing(); },
     Story::fifo_write},
    {Cause::blocking_call, [](const Scene& s) { return s.opens_fifo(); }, Story::fifo_read},
    {Cause::blocking_call, [](const Scene& s) { return s.opens(); }, Story::open_call},
    {Cause::blocking_call, writes_to_log, Story::log_pipe},
    {Cause::blocking_call, waits_for_copy_program, Story::copy_program},
    {Cause::blocking_call, authenticates, Story::authentication},
    {Cause::blocking_call, waits_in_recovery_conflict, Story::recovery_conflict},
    {Cause::blocking_call, ends_with_the_server, Story::walsender_shutdown},
    {Cause::blocking_call,
     [](const Scene& s) { return s.fd() != nullptr && !s.fd()->lock.empty(); },
     Story::file_lock},
    {Cause::blocking_call, connects_by_libpq, Story::remote_connecting},
    {Cause::blocking_call, asks_by_libpq, Story::remote_query},
    {Cause::blocking_call, in_procedural_language, Story::procedural_call},
    {Cause::blocking_call, has_foreign_peers, Story::pipe},
    {Cause::blocking_call,
     [](const Scene& s
     ) { return !s.capture().children.empty() && (s.on_pipe() || s.calls({"wait4", "waitid"})); },
     Story::child},
    {Cause::blocking_call,
     [](const Scene& s) { return s.fd() != nullptr && s.fd()->kind == FdKind::socket; },
     Story::socket},
    {Cause::blocking_call,
     [](const Scene& s) { return s.calls({"nanosleep", "clock_nanosleep"}); },
     Story::nap},
    {Cause::blocking_call, always, Story::blocking_call},

    {Cause::client_write,
     [](const Scene& s) { return s.facts.judged == Request::cancel; },
     Story::client_ignores_cancel},
    {Cause::client_write, always, Story::client},

    {Cause::not_stuck, waits_for_standby, Story::sync_rep},
    {Cause::not_stuck, waits_in_recovery_conflict, Story::recovery_conflict},
    {Cause::not_stuck, ends_with_the_server, Story::walsender_shutdown},
    {Cause::not_stuck, authenticates, Story::authentication},
    {Cause::not_stuck,
     [](const Scene& s) { return s.facts.ignores_idle_cancel; },
     Story::idle_cancel},
    {Cause::not_stuck,
     [](const Scene& s) { return s.facts.judged == Request::none; },
     Story::not_asked},
    {Cause::not_stuck,
     [](const Scene& s) { return !s.facts.flag_clear || s.facts.signal_pending; },
     Story::just_taken},
    {Cause::not_stuck, [](const Scene& s) { return !s.facts.overdue; }, Story::within_grace},
    {Cause::not_stuck, always, Story::not_stuck},

    {Cause::unknown, [](const Scene& s) { return s.facts.samples == 0; }, Story::not_sampled},
    {Cause::unknown, [](const Scene& s) { return !s.facts.state_known; }, Story::state_missing},
    {Cause::unknown, [](const Scene& s) { return s.facts.signal_undelivered; }, Story::undelivered},
    {Cause::unknown,
     [](const Scene& s) { return !s.facts.flags_known && without_variables(s); },
     Story::not_postgres},
    {Cause::unknown, [](const Scene& s) { return !s.facts.flags_known; }, Story::flags_missing},
    {Cause::unknown, waits_in_recovery_conflict, Story::recovery_conflict},
    {Cause::unknown, always, Story::auxiliary_silent},
});

}  // namespace

Story story_of(Cause cause, const Evidence& evidence, const Facts& facts, const Place& place) {
  const Scene scene{evidence, facts, place};
  const auto* const found = std::ranges::find_if(kCases, [&](const Case& known) {
    return known.cause == cause && known.matches(scene);
  });
  return found->story;
}

}  // namespace pghang
