#include "collectors/process/fdinfo.h"

#include <utility>

namespace pghang {

std::optional<FdInfo> read_fdinfo(const ProcFs& proc, pid_t pid, const std::string& number) {
  const Result<std::string> text = proc.read(pid, "fdinfo/" + number);
  if (!text) return std::nullopt;
  Result<FdInfo> info = parse_fdinfo(*text);
  if (!info) return std::nullopt;
  return *std::move(info);
}

}  // namespace pghang
