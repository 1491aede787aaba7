#include <array>

#include "diagnosis/explanation_steps.h"
#include "diagnosis/explanation_tables.h"

namespace pghang {
namespace {

constexpr auto kExplanations = std::to_array<Explanation>({
    {Story::gone, "The process has ended; there is nothing left to terminate.", {}},
    {Story::zombie,
     "The process has ended: it is a zombie until its parent, {parent}, collects it.",
     {{{"If it stays, its parent is stuck: pghangd diagnose {ppid}", "none"}}}},
    {Story::frozen,
     "{The} is frozen by its cgroup: nothing in that cgroup runs, and no signal is delivered until "
     "it is thawed.",
     {{{"Thaw the cgroup that /proc/{pid}/cgroup names: systemctl thaw UNIT, docker unpause "
        "CONTAINER, or 0 into its cgroup.freeze",
        "everything in that cgroup runs on, and signals sent meanwhile are delivered"}}}},
    {Story::traced,
     "{The} is held stopped by {tracer}: no signal is delivered until that lets go.",
     {{{"Let the tracer detach (in gdb: detach, then quit)", "none"},
       {"kill -TERM {tracer_pid}; if the backend is in state T afterwards: kill -CONT {pid}",
        "whoever debugs loses the session"}}}},
    {Story::stopped,
     "{The} is stopped (SIGSTOP, SIGTSTP): it does not run, and no signal but SIGCONT and SIGKILL "
     "is delivered.",
     {{{"kill -CONT {pid}", "it runs on and {serves}"}}}},
    {Story::progress_exiting,
     "{The} is exiting, where signals are ignored by design, and its exit moves: {io}.",
     {{{"Wait: it works through its exit", "time"}}}},
    {Story::progress_io,
     "{The} waits in the kernel for I/O that moves: {io}. Signals are delivered between the waits.",
     {{{"Wait: storage answers, if slowly", "time"}}}},
    {Story::exiting,
     "{The} is already exiting (inside proc_exit), where further signals are ignored by design; it "
     "{place}.{suspects}",
     {{kFreeSuspect, {"Free what its exit waits for", "depends on what that is"}, kCrash}}},
    {Story::io_frozen_file_system,
     "{The} waits in the kernel for a file system that appears to be frozen, {mount} "
     "({fs_device}); "
     "no signal is delivered until it is thawed.",
     {{{"fsfreeze -u {mount}", "the snapshot or backup that froze it may be inconsistent"},
       kReboot}}},
    {Story::io_network_file_system,
     "{The} waits in the kernel for the {fs} file system at {mount}{served}, which does not "
     "answer; "
     "no signal is delivered meanwhile.",
     {{{"Bring the server of {mount} back", "none"},
       {"Find out what its daemon {fuse_daemon} waits for, and end it if need be: kill {fuse_pids}",
        "once it has ended, every program with files there gets I/O errors; PostgreSQL may PANIC "
        "and restart"},
       {"echo 1 > /sys/fs/fuse/connections/{fuse_connection}/abort",
        "every program with files there gets I/O errors; PostgreSQL may PANIC and restart"},
       {"umount -f {mount}",
        "every program with files there gets I/O errors; PostgreSQL may PANIC and restart"},
       kReboot}}},
    {Story::io_file,
     "{The} waits in the kernel for the file system at {mount} ({fs_device}) and its storage: it "
     "{place}; no signal is delivered meanwhile.",
     {{{"Find out why {mount} does not answer (dmesg, the device, the volume manager)", "none"},
       kReboot}}},
    {Story::io,
     "{The} waits in the kernel where no signal is delivered: it {place}.",
     {{{"Find out what that part of the kernel waits for (dmesg, /proc/{pid}/stack)", "none"},
       kReboot}}},
    {Story::ignored_by_design,
     "The {kind} ignores {signame} by design; PostgreSQL ends it together with the server.",
     {}},
    {Story::ignored,
     "{The} ignores {signame}, which PostgreSQL never asks for: a library in it, or whatever "
     "started the server, did.",
     {{{"Find out which: grep -h '\\.so' /proc/{pid}/maps", "none"}, kCrash}}},
    {Story::blocked_shared_memory,
     "{The} has signals blocked while it allocates dynamic shared memory, by design; it {place}.",
     {{{"Wait, and look at the room in /dev/shm: df /dev/shm", "none"}, kCrash}}},
    {Story::blocked,
     "The {signal} is pending, but {the} blocks it with its signal mask; it {place}.",
     {{{"Free what it waits for: the signal is delivered once the mask is lifted",
        "depends on what that is"},
       kCrash}}},
    {Story::reporting_log,
     "{The} took the {signal} and hangs while it writes that to the server log; it {place}."
     "{log_reader}",
     {{kFreeLogReader, kLogger, kCrash}}},
    {Story::reporting_client,
     "{The} took the {signal} and hangs while it tells its client, which does not read{client}.",
     {{kCloseConnection, kCrash}}},
    {Story::reporting,
     "{The} took the {signal} and hangs while it acts on it; it {place}.",
     {{{"Free what it waits for", "depends on what that is"}, kCrash}}},
    {Story::handler_replaced,
     "A terminate was accepted {ago} ago and delivered, yet ProcDiePending was never set: it seems "
     "that a library replaced PostgreSQL's SIGTERM handler.",
     {{{"Find out which: grep -h '\\.so' /proc/{pid}/maps", "none"}, kCrash}}},
    {Story::cancel_vanished,
     "A cancel was accepted {ago} ago and QueryCancelPending is not set now: the statement caught "
     "the cancel and went on, or a library replaced PostgreSQL's SIGINT handler.",
     {{kTerminate}}},
    {Story::idle_cancel,
     "{The} is idle: between statements PostgreSQL ignores a cancel by design; it {place}.",
     {{kTerminate}}},
    {Story::just_taken,
     "{The} got the {signal} while it was being sampled; it {place}.",
     {{kAgain}}},
    {Story::within_grace,
     "The {signal} was accepted {ago} ago, within its grace of {grace}; {the} {place}.",
     {}},
    {Story::not_asked,
     "Nothing was asked of {the}: no cancel or terminate is pending; it {place}.",
     {}},
    {Story::not_stuck, "{The} {place}; no {signal} is pending.", {}},
    {Story::not_sampled, "No sample of {the} could be taken, so its state is unknown.", {{kAgain}}},
    {Story::state_missing,
     "The state of {the} could not be read: {error}.",
     {{{"{again}", "none"}}}},
    {Story::undelivered,
     "The {signal} is pending and nothing blocks it, yet it was not delivered in {samples}: that "
     "contradicts itself unless it was sent just now.",
     {{kAgain}}},
    {Story::not_postgres,
     "Process {pid} does not look like PostgreSQL: its executable has none of PostgreSQL's "
     "variables; it {place}.",
     {}},
    {Story::flags_missing,
     "PostgreSQL's interrupt flags could not be read ({error}), so it is unknown whether {the} "
     "{asked}; it {place}.",
     {{{"{again}", "none"}}}},
    {Story::auxiliary_silent,
     "The {kind} keeps its shutdown request in a variable without an exported name, so it is "
     "unknown whether it took the {signal}; it {place}.",
     {{kAgain}}},
});

}  // namespace

std::span<const Explanation> other_explanations() {
  return kExplanations;
}

}  // namespace pghang
