#include <array>

#include "diagnosis/explanation_steps.h"
#include "diagnosis/explanation_tables.h"

namespace pghang {
namespace {

constexpr auto kExplanations = std::to_array<Explanation>({
    {Story::critical_section,
     "{The} received the {signal} inside a critical section ({held}), where PostgreSQL serves none "
     "because an error there would stop the whole server; it {place}.{suspects}",
     {{kFreeSuspect,
       {"Free what it waits for: it serves the {signal} after the section",
        "depends on what that is"},
       kCrash}}},
    {Story::lwlock,
     "{The} received the {signal} but holds interrupts ({held}) while it waits for an LWLock; it "
     "goes on only when the lock's holder lets go.{suspects}",
     {{kFreeSuspect,
       {"Find the holder, which PostgreSQL does not publish: pghangd diagnose the backends that do "
        "not move and wait for something else than this LWLock",
        "none"},
       kCrash}}},
    {Story::wal_convoy,
     "{The} received the {signal} but waits, with interrupts held ({held}), for its turn to write "
     "WAL; whoever has it does not get done: {wal_writer}. Every transaction that commits waits in "
     "the same line.",
     {{{"{wal_step}", "{wal_price}"},
       {"Find out why the disk of pg_wal does not answer (dmesg, the device, the volume manager)",
        "none"},
       kReboot}}},
    {Story::held_workers,
     "{The} waits, with interrupts held ({held}), for its parallel workers to exit{unserved}; it "
     "goes "
     "on when the last of them has.{workers}",
     {{{"{worker_step}", "{worker_price}"},
       {"pghangd diagnose each of: SELECT pid FROM pg_stat_activity WHERE leader_pid = {sql_pid}; "
        "and free the one that is stuck",
        "as that worker's own report says"},
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
     "{The} received the {signal} but holds interrupts ({held}), so it is not served; it "
     "{place}.{suspects}",
     {{kFreeSuspect,
       {"pghangd diagnose its leader and the other workers, for one of them may not let go: SELECT "
        "pid FROM pg_stat_activity WHERE {leader} IN (pid, leader_pid);",
        "none"},
       kCrash}}},
    {Story::held,
     "{The} received the {signal} but holds interrupts ({held}), so it is not served; it "
     "{place}.{suspects}",
     {{kFreeSuspect,
       {"Find who keeps it from going on: pghangd diagnose the other backends that do not move",
        "none"},
       kCrash}}},
    {Story::spinning_library,
     "{The} received the {signal} but {place} and does not come back to PostgreSQL, where it would "
     "be served.",
     {{{"Wait until that code returns",
        "time: nothing outside PostgreSQL's own code looks at interrupts"},
       kCrash}}},
    {Story::procedural_loop,
     "{The} received the {signal} but {place}, {language} code that does not come back to "
     "PostgreSQL, where it would be served.",
     {{{"Wait until that code returns",
        "time: nothing outside PostgreSQL's own code looks at interrupts"},
       kCrash}}},
    {Story::procedural_call,
     "{The} received the {signal} but cannot act on it: it {place}, {language} code that does not "
     "come back to PostgreSQL, where it would be served.",
     {{{"End what it waits for: {end_programs}", "that program ends; its caller sees how"},
       {"Cut the connection to {remote}: {ss} -tnpH | grep pid={pid}, names its two ends, then "
        "{ss} -K "
        "src LOCAL dst PEER",
        "the call fails with an error that the code may handle"},
       {"Wait until that code returns",
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
     "{The} hangs in a write to the server log{unserved}: nobody empties the log pipe.{log_reader}",
     {{kFreeLogReader, kLogger, kCrash}}},
    {Story::copy_program,
     "{The} waits for the program of COPY to end, {programs},{unserved}; it "
     "{place}.{programs_ignore}",
     {{{"End {programs}, of COPY PROGRAM: {end_programs}",
        "that program ends; the statement gets its exit status, and the backend goes on"},
       kCrash}}},
    {Story::remote_connecting,
     "{The} received the {signal} but cannot act on it: {module} connects to {remote_or_server} in "
     "a call of libpq that never looks at interrupts; it {place}.",
     {{kDiagnoseRemote,
       kCutConnection,
       {"Wait until the kernel gives the connection up",
        "time: minutes, unless connect_timeout is set for that server"},
       kCrash}}},
    {Story::remote_query,
     "{The} received the {signal} but cannot act on it: {module} waits for {remote_or_server} to "
     "answer in a call of libpq that never looks at interrupts; it {place}.",
     {{kDiagnoseRemote,
       {"End the query there: find it in pg_stat_activity of {remote_or_server} and "
        "pg_terminate_backend it",
        "the query fails with an error, and the backend serves the {signal}"},
       kCutConnection,
       kCrash}}},
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
     {{kCutConnection, kCrash}}},
    {Story::file_lock,
     "{The} received the {signal} but cannot act on it: it {place}, for a file lock ({lock}) that "
     "{lock_holder} holds; this call is restarted after every signal.",
     {{{"End what holds the lock: kill -TERM {peer_pids}",
        "that program ends, and its work under the lock stays half done"},
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
     "{The} sends to a client that does not read{client}, where PostgreSQL serves a terminate but "
     "no "
     "cancel.",
     {{kCloseConnection, kTerminate}}},
    {Story::client,
     "{The} received the {signal} but hangs in sending to a client that does not read{client}; it "
     "{place}.",
     {{kCloseConnection, kCrash}}},
    {Story::sync_rep,
     "{The} has committed on this server and waits for a synchronous standby to confirm{unserved}; "
     "it {place}. A cancel or a terminate ends that wait and leaves a commit that only this server "
     "has.",
     {{{"Bring the standby back: SELECT application_name, state, sync_state FROM "
        "pg_stat_replication; says which of SHOW synchronous_standby_names; is there",
        "none"},
       {"Take it out of synchronous_standby_names, then SELECT pg_reload_conf();",
        "commits from then on do not wait for that standby, and a failover to it loses them"},
       {"SELECT pg_cancel_backend({sql_pid});",
        "the client gets a warning that the commit may not have been replicated; a failover loses "
        "it"}}}},
    {Story::recovery_conflict,
     "{The} waits with replay for queries of this standby that are in its way{unserved}; it "
     "{place}.{suspects}",
     {{{"Wait: after max_standby_streaming_delay (or max_standby_archive_delay) it cancels them",
        "the standby lags further behind meanwhile"},
       {"End the oldest of them: SELECT pid, xact_start, query FROM pg_stat_activity WHERE "
        "backend_xmin IS NOT NULL ORDER BY xact_start;",
        "those queries end"}}}},
    {Story::walsender_shutdown,
     "The server shuts down and waits for {the}, which waits for its standby to confirm all that "
     "was sent{unserved}; it {place}.",
     {{{"Bring its standby back, or stop that too", "none"},
       {"kill -TERM {pid}",
        "the shutdown goes on; the standby may lack the last WAL until this server runs again"},
       kCrash}}},
    {Story::authentication,
     "{The} is still authenticating its client (ClientAuthInProgress=1){unserved}; it {place}.",
     {{{"Look at what it asks there: the method of its line in pg_hba.conf (PAM, LDAP, RADIUS, "
        "ident), or DNS",
        "none"},
       {"Wait for authentication_timeout, which ends it unless the call does not return",
        "that client is refused"}}}},
    {Story::orphan,
     "{The} has outlived its postmaster (PostmasterPid={postmaster}, its parent is "
     "{parent}){unserved}"
     "; it {place}. The server cannot start again before it has ended.",
     {{{"kill -TERM {pid}", "its transaction is rolled back"},
       {"kill -KILL {pid}: without a postmaster this restarts nothing",
        "the server recovers from WAL when it starts, as after any death of its postmaster"}}}},
});

}  // namespace

std::span<const Explanation> service_explanations() {
  return kExplanations;
}

}  // namespace pghang
