#include "diagnosis/story.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "diagnosis/backend_kind.h"

namespace pghang {
namespace {

/// Everything a case may be told by.
struct Scene {
  const Evidence& evidence;
  const Facts& facts;
  const Place& place;

  [[nodiscard]] const Capture& capture() const { return evidence.capture; }

  [[nodiscard]] const FdTarget* fd() const {
    const auto& syscall = capture().syscall;
    return syscall && syscall->fd ? &*syscall->fd : nullptr;
  }

  [[nodiscard]] bool calls(std::initializer_list<std::string_view> names) const {
    return capture().syscall && std::ranges::find(names, capture().syscall->name) != names.end();
  }

  /// Whether wchan or a line of the kernel stack holds one of the names.
  [[nodiscard]] bool kernel_has(std::initializer_list<std::string_view> names) const {
    const auto holds = [names](std::string_view line) {
      return std::ranges::any_of(names, [line](std::string_view name) {
        return line.find(name) != std::string_view::npos;
      });
    };
    return holds(capture().wchan) || std::ranges::any_of(capture().kernel_stack, holds);
  }

  [[nodiscard]] bool opens() const {
    return calls({"open", "openat", "openat2", "creat"}) && !capture().syscall->path.empty();
  }

  [[nodiscard]] bool opens_fifo() const {
    const bool fifo = fd() != nullptr && fd()->kind == FdKind::fifo;
    return opens() && (fifo || kernel_has({"wait_for_partner", "fifo_open"}));
  }

  [[nodiscard]] bool opens_for_writing() const {
    return calls({"creat"}) || capture().syscall->text.find("O_WRONLY") != std::string::npos;
  }

  [[nodiscard]] bool on_mount() const { return fd() != nullptr && !fd()->mount.empty(); }

  [[nodiscard]] bool on_pipe() const {
    return fd() != nullptr && (fd()->kind == FdKind::pipe || fd()->kind == FdKind::fifo);
  }
};

struct Case {
  Cause cause;
  bool (*matches)(const Scene&);
  Story story;
};

bool always(const Scene& /*scene*/) {
  return true;
}

bool on_network_file_system(const Scene& scene) {
  const std::string_view fs = scene.on_mount() ? std::string_view(scene.fd()->fs_type) : "";
  return fs.starts_with("nfs") || fs.starts_with("fuse") || fs == "cifs" || fs == "smb3" ||
         fs == "ceph" || fs == "9p";
}

/// Somebody outside the server holds the other end of a pipe. Every process of the server holds the
/// log pipe, and none of those is to be ended.
bool has_foreign_peers(const Scene& scene) {
  if (!scene.on_pipe()) return false;
  const auto& peers = scene.fd()->peers;
  return !peers.empty() && std::ranges::none_of(peers, [&scene](const RelatedProcess& peer) {
    return peer.comm == scene.capture().comm;
  });
}

/// The flags were not there, rather than out of reach.
bool without_variables(const Scene& scene) {
  const auto& missing = scene.capture().missing;
  return !scene.capture().postgres && std::ranges::none_of(missing, [](const Missing& entry) {
    return entry.evidence == "interrupts";
  });
}

/// The first case of the cause that matches, tells the story. The last of each always matches.
constexpr auto kCases = std::to_array<Case>({
    {Cause::gone, [](const Scene& s) { return !s.capture().gone; }, Story::zombie},
    {Cause::gone, always, Story::gone},
    {Cause::frozen, always, Story::frozen},
    {Cause::traced, always, Story::traced},
    {Cause::stopped, always, Story::stopped},
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
    {Cause::critical_section, always, Story::critical_section},
    {Cause::lwlock_wait, always, Story::lwlock},

    {Cause::interrupts_held,
     [](const Scene& s) {
       return stack_has(s.evidence, {"WaitForBackgroundWorkerShutdown", "DestroyParallelContext"});
     },
     Story::held_workers},
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

    {Cause::spinning,
     [](const Scene& s) { return !s.place.modules.empty(); },
     Story::spinning_library},
    {Cause::spinning, always, Story::spinning},

    {Cause::blocking_call,
     [](const Scene& s) { return s.opens_fifo() && s.opens_for_writing(); },
     Story::fifo_write},
    {Cause::blocking_call, [](const Scene& s) { return s.opens_fifo(); }, Story::fifo_read},
    {Cause::blocking_call, [](const Scene& s) { return s.opens(); }, Story::open_call},
    {Cause::blocking_call,
     [](const Scene& s) { return stack_has(s.evidence, {"write_pipe_chunks"}); },
     Story::log_pipe},
    {Cause::blocking_call, has_foreign_peers, Story::pipe},
    {Cause::blocking_call,
     [](const Scene& s) {
       return !s.capture().children.empty() && (s.on_pipe() || s.calls({"wait4", "waitid"}));
     },
     Story::child},
    {Cause::blocking_call,
     [](const Scene& s) { return s.fd() != nullptr && s.fd()->kind == FdKind::socket; },
     Story::socket},
    {Cause::blocking_call,
     [](const Scene& s) {
       return s.calls({"nanosleep", "clock_nanosleep"});
     },
     Story::nap},
    {Cause::blocking_call, always, Story::blocking_call},

    {Cause::client_write,
     [](const Scene& s) { return s.facts.judged == Request::cancel; },
     Story::client_ignores_cancel},
    {Cause::client_write, always, Story::client},

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
