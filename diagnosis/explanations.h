#pragma once

#include <array>
#include <span>
#include <string_view>

namespace pghang {

/// The cases that are explained in words of their own; several may belong to one Cause.
enum class Story {
  gone,
  zombie,
  frozen,
  traced,
  stopped,
  progress_exiting,
  progress_io,
  exiting,
  io_frozen_file_system,
  io_network_file_system,
  io_file,
  io,
  ignored_by_design,
  ignored,
  blocked_shared_memory,
  blocked,
  reporting_log,
  reporting_client,
  reporting,
  handler_replaced,
  cancel_vanished,
  critical_section,
  lwlock,
  wal_convoy,
  held_workers,
  held_rollback,
  held_protocol,
  held_worker,
  held,
  spinning_library,
  procedural_loop,
  spinning,
  fifo_read,
  fifo_write,
  open_call,
  log_pipe,
  copy_program,
  procedural_call,
  remote_connecting,
  remote_query,
  child,
  pipe,
  socket,
  file_lock,
  nap,
  blocking_call,
  client_ignores_cancel,
  client,
  sync_rep,
  recovery_conflict,
  walsender_shutdown,
  authentication,
  orphan,
  idle_cancel,
  just_taken,
  within_grace,
  not_asked,
  not_stuck,
  not_sampled,
  state_missing,
  undelivered,
  not_postgres,
  flags_missing,
  auxiliary_silent,
};

/// A way out and its price; both empty where there is none.
struct StepText {
  std::string_view step;
  std::string_view price;
};

/// Placeholders are `{name}`; kPlaceholders lists them all.
struct Explanation {
  Story story;
  std::string_view summary;
  std::array<StepText, 5> steps;  ///< safest first
};

/// The enumerator as it is spelled: the `explanation` of a verdict, stable for programs.
[[nodiscard]] const char* to_string(Story story);

[[nodiscard]] std::span<const Explanation> explanations();
[[nodiscard]] const Explanation& explanation(Story story);

/// What the texts may ask for; values_of() gives each a value. A step that asks for one without a
/// value, or with an empty one, is left out. Those that begin with a blank, or with ` and`, are
/// whole sentences or clauses that may be empty: `suspects`, `workers`, `log_reader`,
/// `programs_ignore`, `unserved`; so are `client` and `served`, which begin with a comma.
inline constexpr auto kPlaceholders = std::to_array<std::string_view>(
    {"The",
     "again",
     "ago",
     "asked",
     "call",
     "child",
     "child_pids",
     "client",
     "end_programs",
     "error",
     "fs",
     "fs_device",
     "fuse_connection",
     "fuse_daemon",
     "fuse_pids",
     "grace",
     "held",
     "io",
     "kind",
     "language",
     "leader",
     "lock",
     "lock_holder",
     "log_reader",
     "log_reader_price",
     "log_reader_step",
     "module",
     "mount",
     "parent",
     "path",
     "peer_pids",
     "peers",
     "pid",
     "place",
     "postmaster",
     "ppid",
     "programs",
     "programs_ignore",
     "remote",
     "remote_or_server",
     "remote_pid",
     "samples",
     "served",
     "serves",
     "signal",
     "signame",
     "sql_pid",
     "ss",
     "suspect_price",
     "suspect_step",
     "suspects",
     "the",
     "tracer",
     "tracer_pid",
     "unserved",
     "wal_price",
     "wal_step",
     "wal_writer",
     "worker_price",
     "worker_step",
     "workers"}
);

}  // namespace pghang
