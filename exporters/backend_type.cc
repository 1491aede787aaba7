#include "exporters/backend_type.h"

#include <charconv>
#include <string_view>

#include "diagnosis/backend_kind.h"

namespace pghang {
namespace {

/// `user database host(port) ...` or `user database [local] ...`.
bool has_client(std::string_view title) {
  if (title.find(" [local] ") != std::string_view::npos) return true;
  const std::size_t port = title.find('(');
  return port != std::string_view::npos && title.find(") ", port) != std::string_view::npos;
}

std::string session_type(std::string_view title) {
  for (const char* type :
       {"walsender", "logical replication launcher", "logical replication worker"}) {
    const std::string announced = std::string(": ") + type;
    if (title.ends_with(announced) || title.find(announced + ' ') != std::string_view::npos)
      return type;
  }
  return has_client(title) ? "client backend" : "";
}

}  // namespace

std::string backend_type(const Evidence& evidence) {
  if (evidence.activity) return evidence.activity->backend_type;
  const Capture& capture = evidence.capture;
  if (!capture.postgres) return {};
  // B_INVALID: only the postmaster has it. The other numbers differ between major versions.
  if (!capture.samples.empty() && capture.samples.back().flags.my_backend_type == 0)
    return "postmaster";
  std::string kind = backend_kind(evidence);
  return kind == "backend" ? session_type(capture.title) : kind;
}

std::optional<pid_t> leader_pid(const Evidence& evidence) {
  static constexpr std::string_view kParallelWorker = "parallel worker for PID ";
  if (evidence.activity) return evidence.activity->leader_pid;
  std::string_view title = evidence.capture.title;
  const std::size_t at = title.find(kParallelWorker);
  if (at == std::string_view::npos || backend_type(evidence) != "parallel worker")
    return std::nullopt;
  title.remove_prefix(at + kParallelWorker.size());
  pid_t leader = 0;
  if (std::from_chars(title.data(), title.data() + title.size(), leader).ec != std::errc{})
    return std::nullopt;
  return leader;
}

}  // namespace pghang
