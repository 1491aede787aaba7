#include "collectors/process/fd_describer.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/process/block_device.h"
#include "collectors/process/descriptor_detail.h"
#include "collectors/process/fdinfo.h"
#include "collectors/process/file_server.h"
#include "collectors/process/parsers.h"
#include "collectors/process/tablespace_file.h"

namespace pghang {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

constexpr std::array<std::pair<std::string_view, FdKind>, 11> kLinkKinds{{
    {"pipe:[", FdKind::pipe},
    {"socket:[", FdKind::socket},
    {"anon_inode:[eventpoll]", FdKind::eventpoll},
    {"anon_inode:[eventfd]", FdKind::eventfd},
    {"anon_inode:[signalfd]", FdKind::signalfd},
    {"anon_inode:[timerfd]", FdKind::timerfd},
    {"anon_inode:[pidfd]", FdKind::pidfd},
    {"pidfd:[", FdKind::pidfd},
    {"anon_inode:[io_uring]", FdKind::io_uring},
    {"anon_inode:inotify", FdKind::inotify},
    {"/memfd:", FdKind::memfd},
}};

FdKind kind_of_link(std::string_view text) {
  for (const auto& [prefix, kind] : kLinkKinds)
    if (text.starts_with(prefix)) return kind;
  return text.starts_with('/') ? FdKind::file : FdKind::other;
}

std::vector<Mount> mounts_of(const ProcFs& proc, pid_t pid) {
  const Result<std::string> text = proc.read(pid, "mountinfo");
  return text ? parse_mountinfo(*text) : std::vector<Mount>();
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  if (!path.starts_with(directory)) return false;
  return path.size() == directory.size() || path[directory.size()] == '/';
}

/// Of mounts stacked on one place the last one is on top.
const Mount* mount_of_path(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* best = nullptr;
  for (const Mount& mount : mounts) {
    if (!is_below(path, mount.mount_point)) continue;
    if (best == nullptr || mount.mount_point.size() >= best->mount_point.size()) best = &mount;
  }
  return best;
}

const Mount* mount_by_id(const std::vector<Mount>& mounts, int id) {
  for (const Mount& mount : mounts)
    if (mount.id == id) return &mount;
  return nullptr;
}

void set_mount(const ProcFs& proc, FdTarget& target, const Mount* mount) {
  if (mount == nullptr) return;
  target.mount = mount->mount_point;
  target.fs_type = mount->fs_type;
  target.device = mount->source;
  const bool devices = mount->fs_type == "devtmpfs" || mount->fs_type == "devpts";
  if (devices && target.kind == FdKind::file) target.kind = FdKind::device;
  if (auto device = block_device(proc, mount->device_major, mount->device_minor)) {
    target.block_device = std::move(device->name);
    target.backing = std::move(device->backing);
  }
  const std::string server = network_server(*mount);
  if (server.empty()) return;
  target.servers = {RelatedProcess{0, "", ProcessState::unknown, server}};
  target.servers_certain = true;
}

void set_mount_of_descriptor(const ProcFs& proc, pid_t pid, const FdInfo& info, FdTarget& target) {
  if (target.number >= 0 && (info.flags & static_cast<unsigned>(O_DIRECTORY)) != 0)
    target.kind = FdKind::directory;
  set_mount(proc, target, mount_by_id(mounts_of(proc, pid), info.mount_id));
}

Result<std::string>
absolute_path(const ProcFs& proc, pid_t pid, int base, const std::string& path) {
  if (path.starts_with('/')) return path;
  const Result<std::string> start =
      proc.link(pid, base == AT_FDCWD ? "cwd" : "fd/" + std::to_string(base));
  if (!start) return start.error();
  return split_link(*start).target + '/' + path;
}

}  // namespace

LinkText split_link(std::string text) {
  LinkText link{std::move(text), false};
  if (link.target.ends_with(kDeleted)) {
    link.deleted = true;
    link.target.resize(link.target.size() - kDeleted.size());
  }
  return link;
}

Result<FdTarget> describe_fd(const ProcFs& proc, pid_t pid, int number) {
  const std::string name = std::to_string(number);
  const Result<std::string> link = proc.link(pid, "fd/" + name);
  if (!link) return link.error();

  FdTarget target;
  target.number = number;
  target.kind = kind_of_link(*link);
  LinkText split = split_link(*link);
  target.target = std::move(split.target);
  // A memfd has no name that it could lose.
  target.deleted = split.deleted && target.kind != FdKind::memfd;

  if (const auto info = read_fdinfo(proc, pid, name)) {
    if (target.kind == FdKind::file) set_mount_of_descriptor(proc, pid, *info, target);
    target.detail = descriptor_detail(target.kind, *info);
  }
  return target;
}

Result<FdTarget> describe_path(const ProcFs& proc, pid_t pid, int base, const std::string& path) {
  const Result<std::string> absolute = absolute_path(proc, pid, base, path);
  if (!absolute) return absolute.error();

  FdTarget target;
  target.kind = FdKind::file;
  target.target = std::filesystem::path(*absolute).lexically_normal().string();
  if (target.target.find("/pg_tblspc/") == std::string::npos) {
    set_mount(proc, target, mount_of_path(mounts_of(proc, pid), target.target));
  } else if (const auto links = proc.links(pid, "fd")) {
    const auto number = same_tablespace(*links, target.target);
    const auto info = number ? read_fdinfo(proc, pid, *number) : std::nullopt;
    if (info) set_mount_of_descriptor(proc, pid, *info, target);
  }
  return target;
}

void follow_tablespace_link(const ProcFs& proc, pid_t pid, FdTarget& target) {
  const std::string link = tablespace_link(target.target);
  if (link.empty() || !target.mount.empty()) return;
  if (const Result<std::string> location = proc.link(pid, "cwd/" + link))
    set_mount(proc, target, mount_of_path(mounts_of(proc, pid), *location));
}

std::optional<Mount> mount_of(const ProcFs& proc, pid_t pid, const FdTarget& target) {
  const std::vector<Mount> mounts = mounts_of(proc, pid);
  const auto found = std::ranges::find_if(mounts.rbegin(), mounts.rend(), [&](const Mount& mount) {
    return mount.mount_point == target.mount && mount.fs_type == target.fs_type;
  });
  if (found == mounts.rend()) return std::nullopt;
  return *found;
}

}  // namespace pghang
