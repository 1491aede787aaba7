#include "diagnosis/values_cluster.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "diagnosis/backend_kind.h"
#include "diagnosis/brief.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/suspects.h"
#include "diagnosis/wal_writer.h"

namespace pghang {
namespace {

/// More are counted only.
constexpr std::size_t kSuspectsNamed = 3;

void add_step(const char* step, const char* price, const Brief& brief, text::Values& values) {
  values[step] = brief.step.price == "none" && brief.step.step.starts_with("pghangd")
                     ? brief.step.step
                     : "Free " + pid_words(brief.pid, brief.server_pid) + ": " + brief.step.step;
  values[price] = brief.step.price;
}

const ClusterProcess* process_of(const Capture& capture, pid_t pid) {
  const auto found = std::ranges::find_if(capture.cluster, [pid](const ClusterProcess& process) {
    return process.key.pid == pid;
  });
  return found == capture.cluster.end() ? nullptr : &*found;
}

std::string suspect_words(const Suspect& suspect) {
  return pid_words(suspect.pid, suspect.server_pid) + " (" + suspect.title + ") " + suspect.where +
         ", " + suspect.why;
}

void add_suspects(const Capture& capture, text::Values& values) {
  values["suspects"] = "";
  if (capture.cluster.empty()) return;
  const std::vector<Suspect> suspects = suspects_of(capture);
  if (suspects.empty()) {
    values["suspects"] = " Of the other processes of its cluster (" +
                         std::to_string(capture.cluster.size()) +
                         " looked at) none is suspect: none that could hold it is in D state, "
                         "stopped, traced, frozen or hung.";
    return;
  }
  std::vector<std::string> words;
  for (const Suspect& suspect : suspects)
    if (words.size() < kSuspectsNamed) words.push_back(suspect_words(suspect));
  if (suspects.size() > words.size())
    words.push_back("and " + std::to_string(suspects.size() - words.size()) + " more");
  values["suspects"] =
      (suspects.size() == 1 ? " Suspect: " : " Suspects: ") + text::join(words, "; ") + ".";
  if (const auto* process = process_of(capture, suspects.front().pid); process != nullptr)
    add_step("suspect_step", "suspect_price", brief_of(*process), values);
}

void add_wal_writer(const Capture& capture, text::Values& values) {
  const ClusterProcess* const writer = wal_writer_of(capture);
  if (writer == nullptr) return;
  for (const Suspect& suspect : suspects_of(capture))
    if (suspect.pid == writer->key.pid) values["wal_writer"] = suspect_words(suspect);
  add_step("wal_step", "wal_price", brief_of(*writer), values);
}

/// `postgres: parallel worker for PID 4711 `, `postgres: bgworker: parallel worker for PID 4711`.
bool is_worker_of(const ClusterProcess& process, pid_t leader) {
  const std::string words = "parallel worker for PID " + std::to_string(leader);
  const auto at = process.title.find(words);
  if (at == std::string::npos) return false;
  const auto after = at + words.size();
  return after == process.title.size() || process.title[after] == ' ';
}

/// The one to look at is the first that is stuck itself.
void add_workers(const Capture& capture, text::Values& values) {
  values["workers"] = "";
  std::vector<std::string> pids;
  const ClusterProcess* culprit = nullptr;
  bool stuck = false;
  for (const ClusterProcess& process : capture.cluster) {
    if (!is_worker_of(process, server_pid(capture))) continue;
    pids.push_back(pid_words(process.key.pid, server_pid(process)).substr(4));
    const bool this_one = diagnose(brief_evidence(process)).cause != Cause::not_stuck;
    if (culprit == nullptr || (this_one && !stuck)) culprit = &process;
    stuck = stuck || this_one;
  }
  if (culprit == nullptr) return;
  const Brief brief = brief_of(*culprit);
  values["workers"] = (pids.size() == 1 ? " Left of them is pid " : " Left of them are pids ") +
                      text::join(pids) + "; of " + pid_words(brief.pid, brief.server_pid) + ": " +
                      brief.words;
  add_step("worker_step", "worker_price", brief, values);
}

/// Those that wait in the same write.
std::size_t fellow_writers(const Capture& capture) {
  if (!capture.syscall || !capture.syscall->fd) return 0;
  const std::string& pipe = capture.syscall->fd->target;
  return static_cast<std::size_t>(std::ranges::count_if(
      capture.cluster,
      [&pipe](const ClusterProcess& process) {
        const auto& call = process.syscall;
        return call && call->name.starts_with("write") && call->fd && call->fd->target == pipe;
      }
  ));
}

void add_log_reader(const Capture& capture, text::Values& values) {
  std::string& words = values["log_reader"];
  const auto logger = std::ranges::find_if(capture.cluster, [](const ClusterProcess& process) {
    return backend_kind(brief_evidence(process)) == "logger";
  });
  if (logger != capture.cluster.end()) {
    const Brief brief = brief_of(*logger);
    words = " Its reader is " + pid_words(brief.pid, brief.server_pid) + ": " + brief.words;
    add_step("log_reader_step", "log_reader_price", brief, values);
  } else if (capture.syscall && capture.syscall->fd) {
    for (const RelatedProcess& peer : capture.syscall->fd->peers)
      if (peer.comm != capture.comm) words = " Its reader is " + name_process(peer) + ".";
  }
  if (const std::size_t others = fellow_writers(capture); others > 0)
    words += others == 1 ? " Another process of the cluster waits in the same write."
                         : " " + std::to_string(others) +
                               " other processes of the cluster wait in the same write.";
}

/// What it has started, and who else holds the other end of the pipe to that.
std::vector<RelatedProcess> programs_of(const Capture& capture) {
  std::vector<RelatedProcess> programs = capture.children;
  if (!capture.syscall || !capture.syscall->fd) return programs;
  const FdTarget& fd = *capture.syscall->fd;
  if (fd.kind != FdKind::pipe && fd.kind != FdKind::fifo) return programs;
  for (const RelatedProcess& peer : fd.peers) {
    const bool known = peer.pid == capture.key.pid || peer.comm == capture.comm ||
                       std::ranges::any_of(programs, [&peer](const RelatedProcess& program) {
                         return program.pid == peer.pid;
                       });
    if (!known) programs.push_back(peer);
  }
  return programs;
}

void add_programs(const Capture& capture, text::Values& values) {
  std::vector<std::string> names;
  std::vector<std::string> pids;
  std::vector<std::string> deaf;
  for (const RelatedProcess& program : programs_of(capture)) {
    names.push_back(name_process(program));
    pids.push_back(std::to_string(program.pid));
    if (has_signal(program.ignored_signals, SIGTERM)) deaf.push_back(pids.back());
  }
  values["programs"] = text::join(names);
  values["programs_ignore"] = deaf.empty() ? "" : " Pid " + text::join(deaf) + " ignores SIGTERM.";
  if (pids.empty()) return;
  const std::string all = text::join(pids, " ");
  values["end_programs"] =
      deaf.empty() ? "kill -TERM " + all + ", then kill -KILL " + all : "kill -KILL " + all;
}

void add_remote(const Capture& capture, text::Values& values) {
  values["remote_or_server"] = "the remote server";
  if (!capture.syscall || !capture.syscall->fd) return;
  const FdTarget& fd = *capture.syscall->fd;
  if (fd.kind != FdKind::socket || fd.peers.empty()) return;
  const RelatedProcess& peer = fd.peers.front();
  values["remote"] = name_peer(peer);
  values["remote_or_server"] = values["remote"];
  if (peer.pid != 0) values["remote_pid"] = std::to_string(peer.pid);
}

}  // namespace

std::string name_process(const RelatedProcess& process) {
  const std::string name = process.comm.empty() ? "a process" : text::printable(process.comm);
  return name + " (pid " + std::to_string(process.pid) + ")";
}

std::string name_peer(const RelatedProcess& peer) {
  if (peer.pid == 0) return peer.address;
  return name_process(peer) + (peer.address.empty() ? "" : " at " + peer.address);
}

std::string name_peers(const std::vector<RelatedProcess>& peers, pid_t self) {
  std::vector<std::string> names;
  for (const RelatedProcess& peer : peers)
    if (peer.pid == 0 || peer.pid != self) names.push_back(name_peer(peer));
  std::erase(names, "");
  return text::join(names);
}

std::string pid_list(const std::vector<RelatedProcess>& processes, pid_t self) {
  std::vector<std::string> pids;
  for (const RelatedProcess& process : processes)
    if (process.pid != 0 && process.pid != self) pids.push_back(std::to_string(process.pid));
  return text::join(pids, " ");
}

void add_cluster_values(const Evidence& evidence, text::Values& values) {
  const Capture& capture = evidence.capture;
  add_suspects(capture, values);
  add_wal_writer(capture, values);
  add_workers(capture, values);
  add_log_reader(capture, values);
  add_programs(capture, values);
  add_remote(capture, values);
}

}  // namespace pghang
