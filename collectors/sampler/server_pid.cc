#include "collectors/sampler/server_pid.h"

#include <optional>
#include <string>
#include <vector>

#include "collectors/process/namespaces.h"
#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"
#include "collectors/sampler/target_identity.h"

namespace pghang::sampler {
namespace {

/// In the innermost of its pid namespaces.
std::optional<pid_t> innermost_pid(const ProcFs& proc, pid_t pid) {
  const auto text = proc.read(pid, "status");
  const auto status = text ? parse_status(*text) : Result<ProcStatus>(text.error());
  return status ? std::optional(status->ns_pid) : std::nullopt;
}

/// By its stat alone: reading a title waits for the memory of a process that may hang.
bool is_named_postgres(const ProcStat& stat) {
  return stat.comm.find("postgres") != std::string::npos || stat.comm == "postmaster";
}

std::vector<pid_t> children_of(const ProcFs& proc, pid_t pid) {
  std::vector<pid_t> children;
  const auto text = proc.read(pid, "task/" + std::to_string(pid) + "/children");
  if (!text) return children;
  std::string_view words = *text;
  for (auto word = take_word(words); !word.empty(); word = take_word(words))
    if (const auto child = to_number<pid_t>(word)) children.push_back(*child);
  return children;
}

class Search {
 public:
  Search(const ProcFs& proc, const CaptureRequest& request) : proc_(proc), request_(request) {}

  /// Likely places first: one process at most has this number in that namespace.
  [[nodiscard]] Result<pid_t> in_namespace() const {
    const pid_t server = request_.server_process;
    if (is_inside(request_.pid)) return fitting(request_.pid);
    for (const pid_t pid : children_of(proc_, server))
      if (is_inside(pid)) return fitting(pid);
    const auto all = proc_.pids();
    if (!all) return all.error();
    for (const pid_t pid : *all)
      if (is_inside(pid)) return fitting(pid);
    return Error{
        Errc::not_found,
        "the server has no process " + std::to_string(request_.pid) + " any more"};
  }

  /// The server's process is one of PostgreSQL's, not a pooler's, and may be looked at.
  [[nodiscard]] bool knows_namespace() const {
    const pid_t server = request_.server_process;
    return server_is_postgres() && same_pid_namespace(proc_, server, server);
  }

  [[nodiscard]] bool server_is_postgres() const {
    const auto text = proc_.read(request_.server_process, "stat");
    const auto stat = text ? parse_stat(*text) : Result<ProcStat>(text.error());
    return stat && is_named_postgres(*stat);
  }

  [[nodiscard]] Result<std::vector<pid_t>> anywhere() const {
    const auto all = proc_.pids();
    if (!all) return all.error();
    std::vector<pid_t> found;
    for (const pid_t pid : *all) {
      if (innermost_pid(proc_, pid) != request_.pid) continue;
      const auto stat = identify(proc_, as(pid));
      if (stat && is_named_postgres(*stat) && names_client(pid)) found.push_back(pid);
    }
    return found;
  }

 private:
  /// `postgres: app postgres 10.0.0.7(54321) idle`: init_ps_display() puts the client's host and
  /// port there, whatever update_process_title says. Read of few: its memory is waited for.
  [[nodiscard]] bool names_client(pid_t pid) const {
    if (request_.client_port == 0) return true;
    const auto title = proc_.read(pid, "cmdline");
    return title && title->find("(" + std::to_string(request_.client_port) + ")") != title->npos;
  }

  [[nodiscard]] bool is_inside(pid_t pid) const {
    return innermost_pid(proc_, pid) == request_.pid &&
           same_pid_namespace(proc_, pid, request_.server_process);
  }

  [[nodiscard]] Result<pid_t> fitting(pid_t pid) const {
    const auto stat = identify(proc_, as(pid));
    if (!stat) return stat.error();
    return pid;
  }

  [[nodiscard]] CaptureRequest as(pid_t pid) const {
    CaptureRequest request = request_;
    request.pid = pid;
    return request;
  }

  const ProcFs& proc_;
  const CaptureRequest& request_;
};

}  // namespace

Result<pid_t> host_pid(const ProcFs& proc, const CaptureRequest& request) {
  if (!request.server_pid) return request.pid;
  const Search search(proc, request);
  if (request.server_process != 0) {
    auto pid = search.in_namespace();
    // Where its namespace is known, a process of another one is another server's.
    if (pid || search.knows_namespace()) return pid;
  }
  const auto found = search.anywhere();
  if (!found) return found.error();
  if (found->size() == 1) return found->front();
  const std::string number = std::to_string(request.pid);
  if (found->size() > 1) {
    return Error{
        Errc::identity_changed,
        std::to_string(found->size()) + " processes of this host could be the server's process " +
            number + "; a connection by its UNIX socket would tell which"};
  }
  if (!proc.read(request.pid, "stat"))
    return Error{Errc::not_found, "no process here is the server's process " + number};
  return Error{
      Errc::identity_changed,
      "process " + number + " of this host is not the server's process " + number +
          ", and no other is: it ended meanwhile, or the server runs on another host"};
}

Result<pid_t> own_backend(const ProcFs& proc, const CaptureRequest& request) {
  const Search search(proc, request);
  if (request.client_port == 0) {
    if (search.server_is_postgres()) return host_pid(proc, request);
    return Error{
        Errc::not_found,
        request.server_process == 0
            ? "the process that made its UNIX socket cannot be seen from here"
            : "its UNIX socket was made by process " + std::to_string(request.server_process) +
                  ", which is none of PostgreSQL's"};
  }
  const auto found = search.anywhere();
  if (!found) return found.error();
  if (found->size() == 1) return found->front();
  return Error{
      Errc::not_found,
      "no process of this host is the one that serves pghangd's own connection there (" +
          std::to_string(request.pid) + " to the server, for its client's port " +
          std::to_string(request.client_port) + ")"};
}

}  // namespace pghang::sampler
