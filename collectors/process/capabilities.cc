#include "collectors/process/capabilities.h"

#include <algorithm>
#include <array>
#include <utility>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

constexpr std::array<std::pair<std::uint64_t, const char*>, 3> kNames{{
    {capability::kSysPtrace, "CAP_SYS_PTRACE"},
    {capability::kDacReadSearch, "CAP_DAC_READ_SEARCH"},
    {capability::kSysAdmin, "CAP_SYS_ADMIN"},
}};

std::uint64_t held(const ProcFs& proc) {
  const Result<std::string> text = proc.read_global("self/status");
  if (!text) return 0;
  const Result<ProcStatus> status = parse_status(*text);
  if (!status) return 0;
  std::uint64_t caps = status->effective_capabilities;
  // Whoever may write any file may read it.
  if ((caps & capability::kDacOverride) != 0) caps |= capability::kDacReadSearch;
  return caps;
}

}  // namespace

std::string lacking(const ProcFs& proc, std::uint64_t wanted) {
  const std::uint64_t absent = wanted & ~held(proc);
  std::string names;
  for (const auto& [bit, name] : kNames) {
    if ((absent & bit) == 0) continue;
    if (!names.empty()) names += " + ";
    names += name;
  }
  return names;
}

void add_missing(
    std::vector<Missing>& missing,
    const ProcFs& proc,
    const std::string& evidence,
    const Error& error,
    std::uint64_t wanted
) {
  const bool known = std::any_of(missing.begin(), missing.end(), [&](const Missing& entry) {
    return entry.evidence == evidence;
  });
  if (known) return;
  const bool denied = error.code == Errc::permission_denied;
  missing.push_back({evidence, error.context, denied ? lacking(proc, wanted) : ""});
}

}  // namespace pghang
