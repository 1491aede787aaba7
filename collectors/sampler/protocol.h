#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectors/evidence/capture.h"
#include "config/result.h"

/// The helper's protocol (DESIGN section 4).
///
/// Transport: one SOCK_SEQPACKET socket pair between daemon and keeper, one between keeper and each
/// worker. A message is one packet of at most kMaxMessageBytes: a fixed header, then the body in
/// collectors/sampler/codec.h's encoding. Both ends check magic, version, type and length and drop
/// what does not fit. The set of requests is closed: the helper never takes a path, a program or
/// an address from outside; it takes pids.
///
///   daemon → keeper   capture (CaptureRequest), prewarm (a pid), stats (empty)
///   keeper → daemon   captured (Capture), failed (CaptureFailure), stats_reply (SamplerStats)
///
/// The keeper relays a request to its worker, one at a time, and starts the deadline. When it
/// passes, the keeper ends worker and capture child, answers `failed` and forks the next worker
/// without exec. A process that does not die of SIGKILL within a grace (it is in D state) is
/// abandoned and counted; with kMaxAbandoned of them every capture is refused. The keeper ends when
/// the daemon's end of the socket closes, and ends its worker with it; a capture child's exit
/// detaches its target.
namespace pghang::sampler {

inline constexpr std::uint32_t kMagic = 0x50474831;  // "PGH1"
inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::size_t kMaxMessageBytes = 160 * 1024;
inline constexpr unsigned kMaxAbandoned = 4;

enum class MessageType : std::uint16_t {
  capture = 1,
  prewarm = 2,
  stats = 3,
  captured = 101,
  failed = 102,
  stats_reply = 103,
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
  bool peers = true;  ///< look for the other end of pipes and sockets over /proc
};

/// backend_start is taken by the postmaster just before it forks; btime has a resolution of 1 s.
inline constexpr std::int64_t kStartToleranceMicros = 3'000'000;

/// Why there is no capture.
struct CaptureFailure {
  Errc code = Errc::io;
  std::string context;
};

struct SamplerStats {
  std::uint64_t captures = 0;
  std::uint64_t worker_restarts = 0;
  std::uint32_t abandoned = 0;
  pid_t worker_pid = 0;
};

}  // namespace pghang::sampler
