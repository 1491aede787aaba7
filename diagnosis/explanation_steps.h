#pragma once

#include <string_view>

#include "diagnosis/explanations.h"

/// Ways out that several explanations share.
namespace pghang {

inline constexpr std::string_view kCrashPrice =
    "every session of the server ends, and it replays its WAL before it takes connections again";

/// The last resort wherever SIGKILL is delivered.
inline constexpr StepText kCrash = {"Last resort: pg_ctl restart -m immediate", kCrashPrice};

/// The last resort where SIGKILL may not be delivered either.
inline constexpr StepText kReboot = {
    "Last resort: restart the machine",
    "everything on it; pg_ctl restart -m immediate hangs as well where the kernel's wait lets not "
    "even SIGKILL through"};

inline constexpr StepText kTerminate = {
    "SELECT pg_terminate_backend({sql_pid});",
    "the session ends and its transaction is rolled back"};

inline constexpr StepText kAgain = {"Sample again: pghangd diagnose {pid}", "none"};

inline constexpr StepText kLogger = {
    "Find out why nobody empties the log pipe: pghangd diagnose the logger, and look at the disk "
    "that holds the log",
    "none"};

inline constexpr StepText kCloseConnection = {
    "End the client program, or cut its connection: {ss} -tnpH | grep pid={pid}, names its two "
    "ends, "
    "then {ss} -K src LOCAL dst PEER",
    "only that client is affected"};

/// Left out where the evidence names nobody (see diagnose()).
inline constexpr StepText kFreeSuspect = {"{suspect_step}", "{suspect_price}"};
inline constexpr StepText kFreeLogReader = {"{log_reader_step}", "{log_reader_price}"};
inline constexpr StepText kDiagnoseRemote = {
    "The other end runs on this host: pghangd diagnose {remote_pid}",
    "none"};

inline constexpr StepText kCutConnection = {
    "Cut that connection: {ss} -tnpH | grep pid={pid}, names its two ends, then {ss} -K src LOCAL "
    "dst "
    "PEER",
    "the call fails with an error, and the backend serves the {signal}"};

}  // namespace pghang
