#include "collectors/process/cgroup_freezer.h"

#include <optional>
#include <string>

#include "collectors/process/file_text.h"
#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"

namespace pghang {
namespace {

constexpr std::size_t kMaxBytes = 4096;

bool is_v1_freezer(const Mount& mount) {
  return mount.fs_type == "cgroup" &&
         (',' + mount.super_options + ',').find(",freezer,") != std::string::npos;
}

bool is_v2(const Mount& mount) {
  return mount.fs_type == "cgroup2";
}

/// Where a cgroup's directory is. A mount may show only the part of the hierarchy below its root.
/// Nothing for the hierarchy's root, which cannot be frozen.
std::optional<std::string> directory_of(const Mount& mount, std::string path) {
  if (mount.root != "/") {
    if (!path.starts_with(mount.root)) return std::nullopt;
    path.erase(0, mount.root.size());
  }
  if (path.empty() || path == "/") return std::nullopt;
  return mount.mount_point + path;
}

/// The file `name` of the cgroup at `path` in the first hierarchy that `wanted` accepts. Empty
/// where there is no such hierarchy, or where it is the root's.
Result<std::string> read_cgroup_file(
    const std::vector<Mount>& mounts,
    bool (*wanted)(const Mount&),
    const std::optional<std::string>& path,
    const char* name
) {
  if (!path) return std::string();
  for (const Mount& mount : mounts) {
    if (!wanted(mount)) continue;
    const auto directory = directory_of(mount, *path);
    if (!directory) return std::string();
    return read_text_file(*directory + '/' + name, kMaxBytes);
  }
  return std::string();
}

bool says_frozen(std::string_view events) {
  while (!events.empty())
    if (take_line(events) == "frozen 1") return true;
  return false;
}

/// A cgroup's file where systemd and everybody else mounts the hierarchy. Nothing where it is not
/// there: then /proc/self/mountinfo says where it is, for 40 us of CPU.
std::optional<std::string>
read_at_usual_place(const char* mount_point, const std::string& path, const char* name) {
  auto text = read_text_file(mount_point + path + '/' + name, kMaxBytes);
  if (!text) return std::nullopt;
  return *std::move(text);
}

/// Nothing when it has to be looked for. The root of a hierarchy cannot be frozen.
std::optional<bool> is_frozen_at_usual_place(const CgroupPaths& paths) {
  if (paths.freezer_v1 && *paths.freezer_v1 != "/") {
    const auto state =
        read_at_usual_place("/sys/fs/cgroup/freezer", *paths.freezer_v1, "freezer.state");
    if (!state) return std::nullopt;
    if (trimmed(*state) == "FROZEN") return true;
  }
  if (paths.unified && *paths.unified != "/") {
    const auto events = read_at_usual_place("/sys/fs/cgroup", *paths.unified, "cgroup.events");
    if (!events) return std::nullopt;
    if (says_frozen(*events)) return true;
  }
  return false;
}

}  // namespace

Result<bool> is_frozen(const ProcFs& proc, pid_t pid, std::string_view wchan) {
  // Kernel functions in which a task sits that has been frozen by v1 and v2.
  if (wchan == "__refrigerator" || wchan == "do_freezer_trap") return true;

  const Result<std::string> cgroup = proc.read(pid, "cgroup");
  if (!cgroup) return cgroup.error();
  const CgroupPaths paths = parse_cgroup(*cgroup);
  if (const auto known = is_frozen_at_usual_place(paths)) return *known;
  const Result<std::string> mountinfo = proc.read_global("self/mountinfo");
  if (!mountinfo) return mountinfo.error();
  const std::vector<Mount> mounts = parse_mountinfo(*mountinfo);

  const auto v1 = read_cgroup_file(mounts, is_v1_freezer, paths.freezer_v1, "freezer.state");
  if (v1 && trimmed(*v1) == "FROZEN") return true;
  const auto v2 = read_cgroup_file(mounts, is_v2, paths.unified, "cgroup.events");
  if (v2 && says_frozen(*v2)) return true;
  if (!v1) return v1.error();
  if (!v2) return v2.error();
  return false;
}

}  // namespace pghang
