#include "diagnosis/explanations.h"

namespace pghang {

const char* to_string(Story story) {
  switch (story) {
    case Story::gone: return "gone";
    case Story::zombie: return "zombie";
    case Story::frozen: return "frozen";
    case Story::traced: return "traced";
    case Story::stopped: return "stopped";
    case Story::progress_exiting: return "progress_exiting";
    case Story::progress_io: return "progress_io";
    case Story::exiting: return "exiting";
    case Story::io_frozen_file_system: return "io_frozen_file_system";
    case Story::io_network_file_system: return "io_network_file_system";
    case Story::io_file: return "io_file";
    case Story::io: return "io";
    case Story::ignored_by_design: return "ignored_by_design";
    case Story::ignored: return "ignored";
    case Story::blocked_shared_memory: return "blocked_shared_memory";
    case Story::blocked: return "blocked";
    case Story::reporting_log: return "reporting_log";
    case Story::reporting_client: return "reporting_client";
    case Story::reporting: return "reporting";
    case Story::handler_replaced: return "handler_replaced";
    case Story::cancel_vanished: return "cancel_vanished";
    case Story::critical_section: return "critical_section";
    case Story::lwlock: return "lwlock";
    case Story::wal_convoy: return "wal_convoy";
    case Story::held_workers: return "held_workers";
    case Story::held_rollback: return "held_rollback";
    case Story::held_protocol: return "held_protocol";
    case Story::held_worker: return "held_worker";
    case Story::held: return "held";
    case Story::spinning_library: return "spinning_library";
    case Story::procedural_loop: return "procedural_loop";
    case Story::spinning: return "spinning";
    case Story::fifo_read: return "fifo_read";
    case Story::fifo_write: return "fifo_write";
    case Story::open_call: return "open_call";
    case Story::log_pipe: return "log_pipe";
    case Story::copy_program: return "copy_program";
    case Story::procedural_call: return "procedural_call";
    case Story::remote_connecting: return "remote_connecting";
    case Story::remote_query: return "remote_query";
    case Story::child: return "child";
    case Story::pipe: return "pipe";
    case Story::socket: return "socket";
    case Story::file_lock: return "file_lock";
    case Story::nap: return "nap";
    case Story::blocking_call: return "blocking_call";
    case Story::client_ignores_cancel: return "client_ignores_cancel";
    case Story::client: return "client";
    case Story::sync_rep: return "sync_rep";
    case Story::recovery_conflict: return "recovery_conflict";
    case Story::walsender_shutdown: return "walsender_shutdown";
    case Story::authentication: return "authentication";
    case Story::orphan: return "orphan";
    case Story::idle_cancel: return "idle_cancel";
    case Story::just_taken: return "just_taken";
    case Story::within_grace: return "within_grace";
    case Story::not_asked: return "not_asked";
    case Story::not_stuck: return "not_stuck";
    case Story::not_sampled: return "not_sampled";
    case Story::state_missing: return "state_missing";
    case Story::undelivered: return "undelivered";
    case Story::not_postgres: return "not_postgres";
    case Story::flags_missing: return "flags_missing";
    case Story::auxiliary_silent: return "auxiliary_silent";
  }
  return "";
}

}  // namespace pghang
