#include "diagnosis/report_descriptor.h"

#include <algorithm>
#include <iterator>

#include "diagnosis/text.h"

namespace pghang {
namespace {

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

std::string queue_words(const FdTarget& fd) {
  if (!fd.queues) return {};
  std::vector<std::string> words;
  if (fd.state == "LISTEN") {
    if (fd.queues->receive > 0)
      words.push_back(counted(fd.queues->receive, "connection", "connections") + " not accepted");
  } else {
    if (fd.queues->receive > 0)
      words.push_back(counted(fd.queues->receive, "byte", "bytes") + " not read");
    if (fd.queues->send > 0)
      words.push_back(
          counted(fd.queues->send, "byte", "bytes") + " that the other end has not taken"
      );
  }
  return text::join(words);
}

/// `tcp 127.0.0.1:5432 to 127.0.0.1:51234, ESTABLISHED, 300 bytes not read`.
std::string socket_words(const FdTarget& fd) {
  std::string words = fd.protocol;
  if (!fd.local.empty()) words += " " + text::printable(fd.local);
  if (!fd.remote.empty()) words += " to " + text::printable(fd.remote);
  if (!fd.state.empty()) words += ", " + text::printable(fd.state);
  const std::string queues = queue_words(fd);
  return queues.empty() ? words : words + ", " + queues;
}

/// What it is, in one line.
std::string target_words(const FdTarget& fd) {
  std::string words = to_string(fd.kind);
  const bool anonymous = fd.target.starts_with("anon_inode:");
  std::vector<std::string> parts;
  if (!fd.protocol.empty()) {
    parts.push_back(socket_words(fd));
  } else if (!anonymous && !fd.target.empty()) {
    parts.push_back(text::printable(fd.target) + (fd.deleted ? " (deleted)" : ""));
  }
  if (!fd.detail.empty()) parts.push_back(text::printable(fd.detail));
  return parts.empty() ? words : words + ": " + text::join(parts);
}

/// `/srv (ext4, /dev/mapper/vg-srv, which is /dev/dm-0, backed by /dev/vda2)`.
std::string mount_words(const FdTarget& fd) {
  if (fd.mount.empty()) return {};
  std::string words = text::printable(fd.mount) + " (" + fd.fs_type;
  if (!fd.device.empty()) words += ", " + text::printable(fd.device);
  if (!fd.block_device.empty() && fd.block_device != fd.device)
    words += ", which is " + text::printable(fd.block_device);
  if (!fd.backing.empty()) words += ", backed by " + text::printable(fd.backing);
  return words + ')';
}

std::string server_words(const FdTarget& fd) {
  if (fd.servers.empty()) return {};
  return (fd.servers_certain ? "" : "likely ") + processes_words(fd.servers);
}

/// The other end, where that is more than the address that is there already.
std::vector<RelatedProcess> other_processes(const FdTarget& fd) {
  std::vector<RelatedProcess> others;
  for (RelatedProcess peer : fd.peers) {
    if (peer.address == fd.remote && !fd.remote.empty()) peer.address.clear();
    if (peer.pid != 0 || !peer.address.empty()) others.push_back(std::move(peer));
  }
  return others;
}

void add_descriptor(const FdTarget& fd, DescriptorFields& fields) {
  // A call by path (openat) has no descriptor yet.
  const std::string number = fd.number < 0 ? "" : std::to_string(fd.number) + ", ";
  fields.emplace_back(fd.number < 0 ? "path" : "descriptor", number + target_words(fd));
  fields.emplace_back("mount", mount_words(fd));
  fields.emplace_back("served by", server_words(fd));
  const std::string others = processes_words(other_processes(fd));
  if (fd.lock.empty()) {
    fields.emplace_back("other end", others);
  } else {
    const std::string holder = others.empty() ? "a process that could not be found" : others;
    fields.emplace_back("lock", fd.lock + ", held by " + holder);
  }
}

std::string member_words(const FdTarget& fd) {
  std::string words = std::to_string(fd.number) + ", " + target_words(fd);
  if (!fd.events.empty()) words += " (" + fd.events + ")";
  const std::string others = processes_words(other_processes(fd));
  return others.empty() ? words : words + "; other end " + others;
}

}  // namespace

std::string process_words(const RelatedProcess& process) {
  std::string words;
  if (process.pid != 0)
    words = std::to_string(process.pid) + " " + text::printable(process.comm) + " (" +
            static_cast<char>(process.state) + ")";
  if (!process.address.empty())
    words += (words.empty() ? "" : " ") + text::printable(process.address);
  return words;
}

std::string processes_words(const std::vector<RelatedProcess>& processes) {
  std::vector<std::string> words;
  std::ranges::transform(processes, std::back_inserter(words), process_words);
  return text::join(words);
}

DescriptorFields descriptor_fields(const Syscall& call) {
  DescriptorFields fields;
  if (call.fd) add_descriptor(*call.fd, fields);
  const char* name = "waits for";
  for (const FdTarget& member : call.members) {
    fields.emplace_back(name, member_words(member));
    name = "";
  }
  if (call.members_left_out > 0)
    fields.emplace_back(name, "and " + std::to_string(call.members_left_out) + " more");
  return fields;
}

void write_descriptors(const Syscall& call, ReportWriter& out) {
  for (const auto& [name, value] : descriptor_fields(call))
    out.field(name, value);
}

}  // namespace pghang
