#include "collectors/process/file_server.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "collectors/process/parse_text.h"

namespace pghang {
namespace {

std::string_view option_of(std::string_view options, std::string_view name) {
  while (!options.empty()) {
    const std::size_t end = std::min(options.find(','), options.size());
    const std::string_view option = options.substr(0, end);
    options.remove_prefix(std::min(end + 1, options.size()));
    if (option.starts_with(name)) return option.substr(name.size());
  }
  return {};
}

/// `filer` of `filer:/export`, `fe80::1` of `[fe80::1]:/export`, `host` of `//host/share`.
std::string_view host_of(std::string_view source) {
  if (source.starts_with("//")) {
    source.remove_prefix(2);
    return source.substr(0, source.find('/'));
  }
  const std::size_t path = source.find(":/");
  if (path == std::string_view::npos) return {};
  source = source.substr(0, path);
  if (source.starts_with('[') && source.ends_with(']')) return source.substr(1, source.size() - 2);
  return source;
}

}  // namespace

bool is_fuse(std::string_view fs_type) {
  return fs_type == "fuse" || fs_type == "fuseblk" || fs_type.starts_with("fuse.") ||
         fs_type.starts_with("fuseblk.");
}

std::string network_server(const Mount& mount) {
  const std::string_view type = mount.fs_type;
  if (!type.starts_with("nfs") && type != "cifs" && type != "smb3" && type != "ceph") return {};
  const std::string host(host_of(mount.source));
  const std::string address(option_of(mount.super_options, "addr="));
  if (host.empty() || address.empty() || host == address) return host.empty() ? address : host;
  return host + " (" + address + ")";
}

std::uint32_t fuse_connection(const Mount& mount) {
  // The number is the kernel's dev_t (fs/fuse/control.c), and that is linux/kdev_t.h's MKDEV().
  constexpr unsigned minor_bits = 20;
  return mount.device_major << minor_bits | mount.device_minor;
}

std::string waiting_requests(std::string_view text) {
  const auto count = to_number<std::uint64_t>(trimmed(text));
  if (!count || *count == 0) return {};
  return *count == 1 ? "1 request waits for an answer"
                     : std::to_string(*count) + " requests wait for an answer";
}

FuseDaemons::FuseDaemons(std::string fs_type, std::uint32_t connection)
    : fs_type_(std::move(fs_type)),
      connection_(connection) {}

PeerQuery FuseDaemons::query() {
  PeerQuery query{"/dev/fuse", 0, -1};
  query.accepts = [this](pid_t pid, const FdInfo& info) {
    if (info.fuse_connection == connection_) told_.push_back(pid);
    return !info.fuse_connection || *info.fuse_connection == connection_;
  };
  return query;
}

void FuseDaemons::take(std::vector<RelatedProcess> found, FdTarget& target) const {
  const std::size_t dot = fs_type_.find('.');
  const std::string subtype = dot == std::string::npos ? "" : fs_type_.substr(dot + 1);
  const auto likely = [this, &subtype](const RelatedProcess& process) {
    if (!told_.empty()) return std::ranges::find(told_, process.pid) != told_.end();
    return !process.comm.empty() && subtype.starts_with(process.comm);
  };
  if (std::ranges::any_of(found, likely)) std::erase_if(found, std::not_fn(likely));
  target.servers = std::move(found);
  target.servers_certain = !told_.empty();
}

}  // namespace pghang
