#include "collectors/sampler/keeper.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <deque>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "collectors/evidence/codec.h"
#include "collectors/process/procfs.h"
#include "collectors/sampler/graveyard.h"
#include "collectors/sampler/helper_process.h"
#include "collectors/sampler/packet_socket.h"
#include "collectors/sampler/process_signal.h"

namespace pghang::sampler {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Answers for a daemon that does not read. It has one capture in flight, so more is a broken one.
constexpr std::size_t kMaxOutbox = 16;

class Keeper {
 public:
  Keeper(UniqueFd daemon, UniqueFd child_signals, const WorkerMain& main, KeeperOptions options)
      : daemon_(std::move(daemon)),
        child_signals_(std::move(child_signals)),
        worker_main_(main),
        options_(options),
        graveyard_(options.death_grace) {}

  int run();

 private:
  struct Worker {
    pid_t pid = 0;
    UniqueFd socket;
    pid_t capture_child = 0;
  };

  struct InFlight {
    std::uint64_t id = 0;
    Clock::time_point deadline;
  };

  void start_worker_when_due();
  void read_daemon();
  void accept(std::string_view packet);
  void relay(const Message& request, std::string_view packet);
  void signal(const Message& message);
  void read_worker();
  void take_from_worker(std::string_view packet);
  void give_up_when_due();
  void reap();
  void adopt(pid_t capture_child);
  void kill_worker();
  void answer(std::string packet);
  void fail_in_flight(const Error& error);
  void flush();
  [[nodiscard]] std::optional<Clock::time_point> start_due() const;
  [[nodiscard]] int poll_timeout() const;

  UniqueFd daemon_;
  UniqueFd child_signals_;
  const WorkerMain& worker_main_;
  KeeperOptions options_;
  ProcFs proc_;
  Graveyard graveyard_;
  std::optional<Worker> worker_;
  std::optional<InFlight> in_flight_;
  std::deque<Clock::time_point> starts_;
  std::deque<std::string> outbox_;
  std::string buffer_;
  SamplerStats stats_;
  bool daemon_gone_ = false;
};

int Keeper::run() {
  while (!daemon_gone_) {
    start_worker_when_due();
    const short to_daemon = outbox_.empty() ? POLLIN : POLLIN | POLLOUT;
    std::array<pollfd, 3> fds{{
        {.fd = daemon_.get(), .events = to_daemon, .revents = 0},
        {.fd = worker_ ? worker_->socket.get() : -1, .events = POLLIN, .revents = 0},
        {.fd = child_signals_.get(), .events = POLLIN, .revents = 0},
    }};
    if (::poll(fds.data(), fds.size(), poll_timeout()) < 0 && errno != EINTR) break;
    if (fds[1].revents != 0) read_worker();
    if (fds[2].revents != 0) reap();
    give_up_when_due();
    if (fds[0].revents != 0) read_daemon();
    flush();
  }
  if (worker_) kill_worker();
  return 0;
}

std::optional<Clock::time_point> Keeper::start_due() const {
  if (worker_ || graveyard_.size() >= kMaxAbandoned) return std::nullopt;
  if (starts_.size() < options_.max_starts) return Clock::time_point::min();
  return starts_.front() + options_.starts_window;
}

void Keeper::start_worker_when_due() {
  const auto now = Clock::now();
  const auto due = start_due();
  if (!due || *due > now) return;
  starts_.push_back(now);
  if (starts_.size() > options_.max_starts) starts_.pop_front();
  auto sockets = make_packet_sockets();
  if (!sockets) return;
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return;
  if (pid == 0) {
    end_with_parent(self);
    set_process_name("pghangd-worker");
    close_all_but(sockets->second.get());
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    worker_main_(std::move(sockets->second));
    ::_exit(1);
  }
  if (stats_.worker_pid != 0) ++stats_.worker_restarts;
  stats_.worker_pid = pid;
  worker_.emplace(Worker{pid, std::move(sockets->first), 0});
}

int Keeper::poll_timeout() const {
  auto next = start_due();
  if (in_flight_ && (!next || in_flight_->deadline < *next)) next = in_flight_->deadline;
  if (!next) return -1;
  const auto left = std::chrono::ceil<milliseconds>(*next - std::min(*next, Clock::now()));
  return static_cast<int>(left.count());
}

void Keeper::read_daemon() {
  for (;;) {
    const Received received = receive_packet(daemon_.get(), buffer_);
    if (received.status == ReceiveStatus::none) return;
    if (received.status == ReceiveStatus::closed) {
      daemon_gone_ = true;
      return;
    }
    accept(received.packet);
  }
}

void Keeper::accept(std::string_view packet) {
  const auto message = decode_message(packet);
  if (!message) return;
  switch (message->header.type) {
    case MessageType::capture:
    case MessageType::prewarm:
    case MessageType::trace:
    case MessageType::survey:
    case MessageType::glance: relay(*message, packet); return;
    case MessageType::signal: signal(*message); return;
    case MessageType::stats: {
      SamplerStats stats = stats_;
      stats.abandoned = graveyard_.abandoned(Clock::now());
      if (!worker_) stats.worker_pid = 0;
      answer(encode_message(
          {.type = MessageType::stats_reply, .id = message->header.id},
          codec::encode(stats)
      ));
      return;
    }
    default: return;
  }
}

void Keeper::relay(const Message& request, std::string_view packet) {
  const std::uint64_t id = request.header.id;
  if (in_flight_) {
    answer(encode_failure(id, {Errc::busy, "another capture is under way"}));
  } else if (graveyard_.size() >= kMaxAbandoned) {
    answer(encode_failure(
        id,
        {Errc::refused,
         std::to_string(graveyard_.size()) +
             " capture processes do not die of SIGKILL (uninterruptible sleep); captures are "
             "refused until one of them ends"}
    ));
  } else if (!worker_) {
    answer(encode_failure(
        id,
        {Errc::refused, "the capture worker died too often; the next one starts later"}
    ));
  } else if (send_packet(worker_->socket.get(), packet) != SendStatus::sent) {
    // It has nothing else to read, so it is dying or broken.
    kill_worker();
    answer(encode_failure(id, {Errc::io, "the capture worker does not take requests"}));
  } else {
    const milliseconds deadline(std::clamp(request.header.deadline_ms, 1U, kMaxDeadlineMs));
    in_flight_.emplace(InFlight{id, Clock::now() + deadline});
  }
}

void Keeper::signal(const Message& message) {
  const std::uint64_t id = message.header.id;
  const auto request = codec::decode<SignalRequest>(message.body);
  const auto sent = request ? signal_process(proc_, *request)
                            : Result<void>(Error{Errc::malformed, "the request cannot be read"});
  answer(
      sent ? encode_message({.type = MessageType::signalled, .id = id}, {})
           : encode_failure(id, sent.error())
  );
}

void Keeper::read_worker() {
  while (worker_) {
    const Received received = receive_packet(worker_->socket.get(), buffer_);
    // Its end is known by SIGCHLD; a closed socket alone would make poll() spin until then.
    if (received.status == ReceiveStatus::closed) worker_->socket.reset();
    if (received.status != ReceiveStatus::packet) return;
    take_from_worker(received.packet);
  }
}

void Keeper::take_from_worker(std::string_view packet) {
  const auto message = decode_message(packet);
  if (!message) return;
  switch (message->header.type) {
    case MessageType::touching:
      if (const auto notice = codec::decode<TouchingNotice>(message->body)) {
        worker_->capture_child = notice->pid;
      }
      return;
    case MessageType::captured:
    case MessageType::prewarmed:
    case MessageType::traced:
    case MessageType::surveyed:
    case MessageType::glanced:
    case MessageType::failed:
      if (!in_flight_ || message->header.id != in_flight_->id) return;
      in_flight_.reset();
      if (message->header.type == MessageType::captured) ++stats_.captures;
      answer(std::string(packet));
      return;
    default: return;
  }
}

void Keeper::give_up_when_due() {
  if (!in_flight_ || Clock::now() < in_flight_->deadline) return;
  fail_in_flight({Errc::timeout, "the capture took longer than its deadline"});
  if (worker_) kill_worker();
}

void Keeper::reap() {
  signalfd_siginfo ignored{};
  while (::read(child_signals_.get(), &ignored, sizeof ignored) > 0) {
  }
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (worker_ && worker_->pid == pid) {
      read_worker();  // it may have answered before it ended
      const pid_t capture_child = worker_->capture_child;
      worker_.reset();
      fail_in_flight({Errc::io, "the capture worker died (" + describe_end(status) + ")"});
      adopt(capture_child);
    } else {
      adopt(graveyard_.reaped(pid));
    }
  }
}

/// The capture child of a dead worker has been sent SIGKILL by the kernel and is a child of this
/// process now, unless it was reaped before. Then its pid may be anybody's: waitid() only ever
/// looks at children, so it tells.
void Keeper::adopt(pid_t capture_child) {
  if (capture_child <= 0 || graveyard_.holds(capture_child)) return;
  if (worker_ && worker_->pid == capture_child) return;
  siginfo_t ignored{};
  const auto id = static_cast<id_t>(capture_child);
  if (::waitid(P_PID, id, &ignored, WEXITED | WNOHANG | WNOWAIT) != 0) return;
  graveyard_.kill(capture_child, 0, Clock::now());
}

void Keeper::kill_worker() {
  graveyard_.kill(worker_->pid, worker_->capture_child, Clock::now());
  worker_.reset();
}

void Keeper::answer(std::string packet) {
  if (outbox_.size() < kMaxOutbox) outbox_.push_back(std::move(packet));
}

void Keeper::fail_in_flight(const Error& error) {
  if (!in_flight_) return;
  answer(encode_failure(in_flight_->id, error));
  in_flight_.reset();
}

void Keeper::flush() {
  while (!outbox_.empty()) {
    switch (send_packet(daemon_.get(), outbox_.front())) {
      case SendStatus::full: return;
      case SendStatus::closed: daemon_gone_ = true; return;
      case SendStatus::sent: outbox_.pop_front();
    }
  }
}

}  // namespace

void become_keeper(int socket) {
  set_process_name("pghangd-keeper");
  close_all_but(socket);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE}) {
    struct sigaction ignore {};

    ignore.sa_handler = SIG_IGN;
    ::sigaction(signal, &ignore, nullptr);
  }
}

int run_keeper(UniqueFd daemon, const WorkerMain& worker_main, const KeeperOptions& options) {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
  UniqueFd child_signals(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!child_signals) return 1;
  return Keeper(std::move(daemon), std::move(child_signals), worker_main, options).run();
}

}  // namespace pghang::sampler
