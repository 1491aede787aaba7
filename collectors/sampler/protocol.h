#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/evidence/capture.h"
#include "collectors/evidence/glance.h"
#include "collectors/evidence/server_survey.h"
#include "collectors/evidence/syscall_trace.h"
#include "config/result.h"

/// The helper's protocol (DESIGN section 4).
///
/// Transport: one SOCK_SEQPACKET socket pair between daemon and keeper (descriptor 3 of the
/// keeper), one between keeper and each worker. A message is one packet of at most
/// kMaxMessageBytes: a fixed header of kHeaderBytes (the fields of Header in their order,
/// little-endian), then the body in collectors/evidence/codec.h's encoding. Both ends check magic,
/// version, type and length and drop what does not fit. The set of requests is closed: the helper
/// never takes a path, a program or an address from outside; it takes pids.
///
///   daemon → keeper   capture (CaptureRequest), prewarm (PrewarmRequest), trace (TraceRequest),
///                     survey (SurveyRequest), glance (GlanceRequest), stats (empty),
///                     signal (SignalRequest)
///   keeper → daemon   captured (Capture), prewarmed (empty), traced (SyscallTrace),
///                     surveyed (ServerSurvey), glanced (Glance), signalled (empty),
///                     failed (CaptureFailure), stats_reply (SamplerStats)
///   worker → keeper   captured, prewarmed, traced, surveyed, glanced, failed, and touching
///                     (TouchingNotice): every capture child says its pid before it looks at a
///                     target
///
/// The keeper answers stats and signal itself. It relays one capture, prewarm, trace, survey or
/// glance at a time to its worker; a second one meanwhile is answered `failed` busy. It reads
/// headers only, and of the bodies only TouchingNotice and SignalRequest. For a signal it opens
/// /proc/PID/stat, of the target and of its postmaster: do_task_stat() of fs/proc/array.c sleeps on
/// no lock of the target (process_signal.h).
///
/// Deadlines are nested. The worker ends a capture child at memory_budget(): the target's memory
/// may be locked (mmap_lock). A second child then looks without touching it (kernel_only); that one
/// is ended at child_budget() and answered `failed` timeout; the worker stays, with its modules
/// warm. If a child does not die of SIGKILL before stuck_budget(), the worker answers `failed`
/// timeout and exits with kExitChildStuck, so that the child becomes the keeper's (a child
/// subreaper), which knows its pid from TouchingNotice. At deadline_ms the keeper ends the worker,
/// answers `failed` timeout and forks the next one without exec. A capture child dies with its
/// worker (PR_SET_PDEATHSIG), a worker with its keeper, and the keeper exits when the daemon's end
/// of the socket closes. A capture child's exit detaches its target.
///
/// A process that SIGKILL does not end within kDeathGrace (it is in D state) is abandoned and
/// counted until it ends; while kMaxAbandoned processes are dying, every capture is `refused`.
namespace pghang::sampler {

inline constexpr std::uint32_t kMagic = 0x50474831;  // "PGH1"
inline constexpr std::uint16_t kProtocolVersion = 4;
inline constexpr std::size_t kMaxMessageBytes = 160UL * 1024;
inline constexpr std::size_t kHeaderBytes = 24;
inline constexpr unsigned kMaxAbandoned = 4;
inline constexpr std::uint32_t kMaxDeadlineMs = 600'000;
/// More samples than this are refused: they would not leave room for a stack in the answer.
inline constexpr std::uint32_t kMaxSamples = 128;
inline constexpr std::chrono::milliseconds kDeathGrace{1000};
/// The keeper's descriptor of the socket to the daemon.
inline constexpr int kKeeperSocket = 3;
/// Exit code of a worker whose capture child did not die of SIGKILL.
inline constexpr int kExitChildStuck = 75;

enum class MessageType : std::uint16_t {
  capture = 1,
  prewarm = 2,
  stats = 3,
  trace = 4,
  survey = 11,
  signal = 12,
  glance = 5,
  captured = 101,
  failed = 102,
  stats_reply = 103,
  prewarmed = 104,
  traced = 105,
  surveyed = 111,
  signalled = 112,
  glanced = 106,
  touching = 201,  ///< between the helper's own processes only
};

struct Header {
  std::uint32_t magic = kMagic;
  std::uint16_t version = kProtocolVersion;
  MessageType type = MessageType::stats;
  std::uint64_t id = 0;           ///< chosen by the daemon, echoed in the answer
  std::uint32_t deadline_ms = 0;  ///< for requests: when the keeper gives up
  std::uint32_t body_bytes = 0;
};

/// Asks for one capture.
struct CaptureRequest {
  pid_t pid = 0;
  std::uint64_t expect_start_ticks = 0;  ///< 0: not known yet
  /// When not 0: the process must have started within kStartTolerance of this moment (unix epoch,
  /// microseconds; backend_start), else the answer is identity_changed.
  std::int64_t expect_started_at_micros = 0;
  std::uint32_t samples = 3;
  std::uint32_t interval_ms = 20;
  std::uint32_t stop_deadline_ms = 50;
  bool allow_ptrace_stop = true;
  bool peers = true;           ///< look for the other end of pipes and sockets over /proc
  bool keep_snapshot = false;  ///< answer with Capture::snapshot, when it fits
  /// How many samples of a running process may have a stack, each by one stop: the last ones.
  std::uint32_t max_stops = 1;
  bool inlines = false;  ///< also frames of functions that were inlined
  /// How much of the deadline may go to waiting for debug files that are being downloaded; 0: what
  /// is not there yet is for a later capture.
  std::uint32_t wait_for_symbols_ms = 0;
  /// `pid` is as SQL says it: as the pid namespace counts that the server lives in (server_pid.h).
  bool server_pid = false;
  /// Of this host, with server_pid: a process in that namespace, or 0: which one it is has to be
  /// found out.
  pid_t server_process = 0;
  /// Only Capture::key and the samples: no stack, no symbols, nothing of what it waits for, and
  /// never a stop. The daemon asks for that at every poll, where a rule needs it.
  bool samples_only = false;
  /// With server_pid: only a process whose title names a client at this port; 0: any.
  std::uint16_t client_port = 0;
};

/// backend_start is taken by the postmaster just before it forks; btime has a resolution of 1 s.
inline constexpr std::int64_t kStartToleranceMicros = 3'000'000;

/// Asks for the system calls of a process over some time. A person asked for it, never the daemon.
struct TraceRequest {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  std::uint32_t duration_ms = 0;  ///< kMinTraceMs to kMaxTraceMs
  bool allow_ptrace = true;       ///< where the kernel's tracepoints cannot be had
  bool allow_perf = true;
  std::uint32_t max_stops = 20'000;
  /// At most this share of the time asked for may the process be held stopped, all stops together.
  double max_held_share = 0.25;
};

inline constexpr std::uint32_t kMinTraceMs = 100;
inline constexpr std::uint32_t kMaxTraceMs = 60'000;

/// Asks for a light look at a backend (Glance): no stop, no stack, nothing but its state, its
/// signals and, where wanted, its interrupt flags.
struct GlanceRequest {
  pid_t pid = 0;                              ///< as SQL says it
  std::int64_t expect_started_at_micros = 0;  ///< as in CaptureRequest
  pid_t server_process = 0;                   ///< as in CaptureRequest
  bool flags = true;
  /// Proves that the server is of this host, our own backend being `pid`: `server_process` has made
  /// its UNIX socket and is PostgreSQL's, or (over TCP) the process found says our `client_port` in
  /// its title, which is what the server sees of our connection. Otherwise the answer is not_found.
  bool prove_local = false;
  std::uint16_t client_port = 0;  ///< inet_client_port(); 0 by a UNIX socket
};

/// Asks the worker to parse the modules of a process ahead of time.
struct PrewarmRequest {
  pid_t pid = 0;
  bool server_pid = false;  ///< as in CaptureRequest, with no server_process known
};

/// Asks for a look at all processes of one server.
struct SurveyRequest {
  /// start_ticks 0: not known yet. pid 0: found by `backend`.
  ProcessKey postmaster;
  /// Its pid in the server's pid namespace; 0: not known, so that of this host.
  pid_t postmaster_ns_pid = 0;
  pid_t backend = 0;                           ///< a backend of the server, as SQL says its pid
  std::int64_t backend_started_at_micros = 0;  ///< unix epoch, within kStartTolerance
  pid_t server_process = 0;                    ///< as in CaptureRequest, for `backend`
  std::vector<pid_t> first;                    ///< of this host: looked at before all others
  bool only_postmaster = false;
};

/// Asks for SIGINT or SIGTERM to the process group of a backend, as PostgreSQL signals it.
struct SignalRequest {
  ProcessKey process;
  ProcessKey postmaster;  ///< its parent, or nothing is sent
  int signal = 0;
};

/// A capture child's own pid, said before it looks at a target.
struct TouchingNotice {
  pid_t pid = 0;
};

/// Why there is no capture.
struct CaptureFailure {
  Errc code = Errc::io;
  std::string context;

  friend bool operator==(const CaptureFailure&, const CaptureFailure&) = default;
};

struct SamplerStats {
  std::uint64_t captures = 0;         ///< `captured` answers given
  std::uint64_t worker_restarts = 0;  ///< workers forked after the first one
  std::uint32_t abandoned = 0;        ///< processes that SIGKILL has not ended within kDeathGrace
  pid_t worker_pid = 0;               ///< 0 while there is none

  friend bool operator==(const SamplerStats&, const SamplerStats&) = default;
};

/// A checked message. `body` is a view of the packet it was decoded from.
struct Message {
  Header header;
  std::string_view body;
};

/// The packet of a message; `body_bytes` of the header is set here.
[[nodiscard]] std::string encode_message(Header header, std::string_view body);

/// The packet of a `failed` answer to the request `id`.
[[nodiscard]] std::string encode_failure(std::uint64_t id, const Error& error);

/// Errors: malformed (short, wrong magic, unknown type, length that is not the packet's),
/// unsupported (another version).
[[nodiscard]] Result<Message> decode_message(std::string_view packet);

/// Until when the worker lets a capture child read the target's memory, until when it lets one look
/// at all, and until when it waits for a killed one.
[[nodiscard]] std::chrono::milliseconds memory_budget(std::chrono::milliseconds deadline);
[[nodiscard]] std::chrono::milliseconds child_budget(std::chrono::milliseconds deadline);
[[nodiscard]] std::chrono::milliseconds stuck_budget(std::chrono::milliseconds deadline);

}  // namespace pghang::sampler
