#include "diagnosis/values_descriptor.h"

#include <string>
#include <vector>

#include "diagnosis/server_pid.h"
#include "diagnosis/values_cluster.h"

namespace pghang {
namespace {

/// As somebody on the host reaches it: relative paths through its working directory, those of
/// another mount namespace (a container) through its root.
std::string host_path(const Capture& capture) {
  const std::string& path = capture.syscall->path;
  const std::string proc = "/proc/" + std::to_string(capture.key.pid);
  if (!path.starts_with('/')) return proc + "/cwd/" + path;
  return capture.other_namespaces.mount || counts_apart(capture) ? proc + "/root" + path : path;
}

/// `ext4 on /dev/mapper/vg-srv (/dev/dm-0), backed by /dev/vda2`.
std::string file_system_words(const FdTarget& fd) {
  std::string words = fd.fs_type;
  if (!fd.device.empty()) words += " on " + text::printable(fd.device);
  if (!fd.block_device.empty() && fd.block_device != fd.device)
    words += " (" + text::printable(fd.block_device) + ")";
  if (!fd.backing.empty()) words += ", backed by " + text::printable(fd.backing);
  return words;
}

/// A server of another host has no pid.
std::string server_names(const FdTarget& fd) {
  return name_peers(fd.servers, 0);
}

void add_server(const FdTarget& fd, text::Values& values) {
  const std::string names = server_names(fd);
  values["served"] =
      names.empty() ? "" : (fd.servers_certain ? ", served by " : ", likely served by ") + names;
  if (fd.fuse_connection == 0) return;
  values["fuse_connection"] = std::to_string(fd.fuse_connection);
  if (!fd.servers_certain) return;
  values["fuse_daemon"] = names;
  values["fuse_pids"] = pid_list(fd.servers, 0);
}

void add_client(const Capture& capture, text::Values& values) {
  const FdTarget* const client = client_socket(capture);
  const std::string names = client == nullptr ? "" : name_peers(client->peers, capture.key.pid);
  values["client"] = names.empty() ? "" : ", " + names;
}

}  // namespace

const FdTarget* client_socket(const Capture& capture) {
  if (!capture.syscall) return nullptr;
  const Syscall& call = *capture.syscall;
  if (call.fd && call.fd->kind == FdKind::socket) return &*call.fd;
  const FdTarget* only = nullptr;
  for (const FdTarget& member : call.members) {
    if (member.kind != FdKind::socket) continue;
    if (only != nullptr) return nullptr;
    only = &member;
  }
  return only;
}

void add_descriptor_values(const Capture& capture, text::Values& values) {
  add_client(capture, values);
  if (!capture.syscall) return;
  values["path"] = text::printable(text::shell_word(host_path(capture)));
  if (!capture.syscall->fd) return;
  const FdTarget& fd = *capture.syscall->fd;
  values["mount"] = text::printable(text::shell_word(fd.mount));
  values["fs"] = fd.fs_type;
  values["fs_device"] = file_system_words(fd);
  values["lock"] = fd.lock;
  values["peers"] = name_peers(fd.peers, capture.key.pid);
  values["peer_pids"] = pid_list(fd.peers, capture.key.pid);
  values["lock_holder"] =
      values["peers"].empty() ? "a process that could not be found" : values["peers"];
  if (values["peers"].empty())
    values["peers"] = "descriptor " + std::to_string(fd.number) + ", " + text::printable(fd.target);
  add_server(fd, values);
}

}  // namespace pghang
