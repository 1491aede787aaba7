#include "diagnosis/explanations.h"

#include <algorithm>

namespace pghang {
namespace {

constexpr std::string_view kCrashPrice =
    "every session of the server ends, and it replays its WAL before it takes connections again";

/// The last resort wherever SIGKILL is delivered.
constexpr StepText kCrash = {"Last resort: pg_ctl restart -m immediate", kCrashPrice};

/// The last resort where SIGKILL may not be delivered either.
constexpr StepText kReboot = {
    "Last resort: restart the machine",
    "everything on it; pg_ctl restart -m immediate hangs as well where the kernel's wait lets not "
    "even SIGKILL through"};

constexpr StepText kTerminate = {
    "SELECT pg_terminate_backend({sql_pid});",
    "the session ends and its transaction is rolled back"};

constexpr StepText kAgain = {"Sample again: pghangd diagnose {pid}", "none"};

constexpr StepText kLogger = {
    "Find out why nobody empties the log pipe: pghangd diagnose the logger, and look at the disk "
    "that holds the log",
    "none"};

constexpr StepText kCloseConnection = {
    "End the client program, or cut its connection: ss -tnpH | grep pid={pid}, names its two ends, "
    "then ss -K src LOCAL dst PEER",
    "only that client is affected"};

constexpr auto kExplanations = std::to_array<Explanation>({
    {Story::gone, "The process has ended; there is nothing left to terminate.", {}},
    {Story::zombie,
     "The process has ended; only its entry remains until its parent collects it.",
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
     {{{"kill -CONT {pid}", "it runs on, and signals sent meanwhile are delivered"}}}},
    {Story::progress_exiting,
     "{The} is exiting, where signals are ignored by design, and its exit moves: {io}.",
     {{{"Wait: it works through its exit", "time"}}}},
    {Story::progress_io,
     "{The} waits in the kernel for I/O that moves: {io}. Signals are delivered between the waits.",
     {{{"Wait: storage answers, if slowly", "time"}}}},
    {Story::exiting,
     "{The} is already exiting (inside proc_exit), where further signals are ignored by design; it "
     "{place}.",
     {{{"Free what its exit waits for", "depends on what that is"}, kCrash}}},
    {Story::io_frozen_file_system,
     "{The} waits in the kernel for a file system that appears to be frozen, {mount}; no signal is "
     "delivered until it is thawed.",
     {{{"fsfreeze -u {mount}", "the snapshot or backup that froze it may be inconsistent"},
       kReboot}}},
    {Story::io_network_file_system,
     "{The} waits in the kernel for the {fs} file system at {mount}, which does not answer; no "
     "signal is delivered meanwhile.",
     {{{"Bring the server of {mount} back", "none"},
       {"umount -f {mount}",
        "every program with files there gets I/O errors; PostgreSQL may PANIC and restart"},
       kReboot}}},
    {Story::io_file,
     "{The} waits in the kernel for the {fs} file system at {mount} and its storage: it {place}; "
     "no "
     "signal is delivered meanwhile.",
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
     "{The} took the {signal} and hangs while it writes that to the server log; it {place}.",
     {{kLogger, kCrash}}},
    {Story::reporting_client,
     "{The} took the {signal} and hangs while it tells its client, which does not read.",
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
    {Story::critical_section,
     "{The} received the {signal} inside a critical section ({held}), where PostgreSQL serves none "
     "because an error there would stop the whole server; it {place}.",
     {{{"Free what it waits for: it serves the {signal} after the section",
        "depends on what that is"},
       kCrash}}},
    {Story::lwlock,
     "{The} received the {signal} but holds interrupts ({held}) while it waits for an LWLock; it "
     "goes on only when the lock's holder lets go.",
     {{{"Find the holder, which PostgreSQL does not publish: pghangd diagnose the backends that do "
        "not move and wait for something else than this LWLock",
        "none"},
       kCrash}}},
    {Story::held_workers,
     "{The} received the {signal} but waits, with interrupts held ({held}), for its parallel "
     "workers to exit; it goes on when the last of them has.",
     {{{"pghangd diagnose each of: SELECT pid FROM pg_stat_activity WHERE leader_pid = {sql_pid};",
        "none"},
       {"Free the worker that is stuck", "as that worker's own report says"},
       kCrash}}},
    {Story::held_rollback,
     "{The} took the cancel and hangs while it rolls back, with interrupts held ({held}); it "
     "{place}.",
     {{{"Free what it waits for", "depends on what that is"}, kCrash}}},
    {Story::held_protocol,
     "{The} received the cancel in the middle of a message from its client ({held}), where a "
     "cancel waits; it {place}.",
     {{kTerminate, kCloseConnection}}},
    {Story::held_worker,
     "{The} received the {signal} but holds interrupts ({held}), so it is not served; it {place}.",
     {{{"pghangd diagnose its leader and the other workers, for one of them may not let go: SELECT "
        "pid FROM pg_stat_activity WHERE {leader} IN (pid, leader_pid);",
        "none"},
       kCrash}}},
    {Story::held,
     "{The} received the {signal} but holds interrupts ({held}), so it is not served; it {place}.",
     {{{"Find who keeps it from going on: pghangd diagnose the other backends that do not move",
        "none"},
       kCrash}}},
    {Story::spinning_library,
     "{The} received the {signal} but {place} and does not come back to PostgreSQL, where it would "
     "be served.",
     {{{"Wait until that code returns",
        "time: nothing outside PostgreSQL's own code looks at interrupts"},
       kCrash}}},
    {Story::spinning,
     "{The} received the {signal} but {place} without reaching CHECK_FOR_INTERRUPTS().",
     {{{"Wait until the loop ends", "time"}, kCrash}}},
    {Story::fifo_read,
     "{The} received the {signal} but cannot act on it: it waits in {call}, a FIFO that nobody has "
     "opened for writing; this call is restarted after every signal.",
     {{{"timeout 5 tee -a {path} < /dev/null",
        "the statement reads an empty file, then serves the {signal}"},
       kCrash}}},
    {Story::fifo_write,
     "{The} received the {signal} but cannot act on it: it waits in {call}, a FIFO that nobody has "
     "opened for reading; this call is restarted after every signal.",
     {{{"timeout 5 cat {path} > /dev/null",
        "what the statement has written there is lost; it serves the {signal}"},
       kCrash}}},
    {Story::open_call,
     "{The} received the {signal} but cannot act on it: it waits in {call}, which does not return "
     "and is restarted after every signal.",
     {{{"See what it is: timeout 5 stat -c %F {path}", "none"},
       {"If it is a FIFO, open its other end: timeout 5 tee -a {path} < /dev/null for a reader, "
        "timeout 5 cat {path} > /dev/null for a writer",
        "the statement reads an empty file, or what it has written is lost"},
       kCrash}}},
    {Story::log_pipe,
     "{The} received the {signal} but cannot act on it: it writes to the server log, and nobody "
     "empties the log pipe.",
     {{kLogger, kCrash}}},
    {Story::child,
     "{The} received the {signal} but cannot act on it: it {place} for the program that it "
     "started, {child}.",
     {{{"kill -TERM {child_pids}, then kill -KILL {child_pids}",
        "that program ends; the statement gets its exit status, then serves the {signal}"},
       kCrash}}},
    {Story::pipe,
     "{The} received the {signal} but cannot act on it: it {place}, for {peers} at the other end "
     "of the pipe.",
     {{{"End what holds the other end: kill -TERM {peer_pids}", "that program ends"}, kCrash}}},
    {Story::socket,
     "{The} received the {signal} but cannot act on it: it {place}, for the other end of a "
     "connection ({peers}) to answer.",
     {{{"Cut that connection: ss -tnpH | grep pid={pid}, names its two ends, then ss -K src LOCAL "
        "dst "
        "PEER",
        "the call fails with an error, and the backend serves the {signal}"},
       kCrash}}},
    {Story::nap,
     "{The} received the {signal} but cannot act on it: it {place}, which goes on after every "
     "signal until its time is over.",
     {{{"Wait until that time is over", "time"}, kCrash}}},
    {Story::blocking_call,
     "{The} received the {signal} but cannot act on it: it {place}, and does not come back to "
     "CHECK_FOR_INTERRUPTS().",
     {{{"Free what that call waits for", "depends on what that is"}, kCrash}}},
    {Story::client_ignores_cancel,
     "{The} sends to a client that does not read, where PostgreSQL serves a terminate but no "
     "cancel.",
     {{kCloseConnection, kTerminate}}},
    {Story::client,
     "{The} received the {signal} but hangs in sending to a client that does not read; it {place}.",
     {{kCloseConnection, kCrash}}},
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

std::span<const Explanation> explanations() {
  return kExplanations;
}

const Explanation& explanation(Story story) {
  const auto* const found = std::ranges::find_if(kExplanations, [story](const Explanation& known) {
    return known.story == story;
  });
  return found == kExplanations.end() ? kExplanations.back() : *found;
}

}  // namespace pghang
