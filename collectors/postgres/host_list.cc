#include "collectors/postgres/host_list.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>

namespace pghang {
namespace {

std::vector<std::string> split(const ConnectOptions& options, const char* keyword) {
  std::vector<std::string> parts;
  const auto option = options.find(keyword);
  if (option == options.end() || option->second.empty()) return parts;
  const std::string& list = option->second;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t comma = std::min(list.find(',', begin), list.size());
    parts.push_back(list.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

bool is_name(const HostEntry& entry) {
  // libpq's is_unixsock_path(): a path, or @ for the abstract namespace.
  return entry.address.empty() && !entry.host.empty() && entry.host[0] != '/' &&
         entry.host[0] != '@';
}

}  // namespace

std::vector<HostEntry> host_entries(const ConnectOptions& options) {
  const std::vector<std::string> hosts = split(options, "host");
  const std::vector<std::string> addresses = split(options, "hostaddr");
  const std::vector<std::string> ports = split(options, "port");
  if (!hosts.empty() && !addresses.empty() && hosts.size() != addresses.size()) return {};
  const std::size_t count = std::max({hosts.size(), addresses.size(), std::size_t{1}});
  if (ports.size() > 1 && ports.size() != count) return {};

  std::vector<HostEntry> entries(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!hosts.empty()) entries[i].host = hosts[i];
    if (!addresses.empty()) entries[i].address = addresses[i];
    if (!ports.empty()) entries[i].port = ports[ports.size() == 1 ? 0 : i];
  }
  return entries;
}

Result<std::vector<HostEntry>>
resolve(const std::vector<HostEntry>& entries, const Resolver& resolver) {
  std::vector<HostEntry> resolved;
  Error last{Errc::disconnected, "no host"};
  for (const HostEntry& entry : entries) {
    if (!is_name(entry)) {
      resolved.push_back(entry);
      continue;
    }
    const Result<std::vector<std::string>> addresses = resolver(entry.host);
    if (!addresses) {
      last = addresses.error();
      continue;
    }
    for (const std::string& address : *addresses)
      resolved.push_back({entry.host, address, entry.port});
  }
  if (resolved.empty()) return last;
  return resolved;
}

void set_host_entries(ConnectOptions& options, const std::vector<HostEntry>& entries) {
  if (entries.empty()) return;
  const auto join = [&](const char* keyword, auto field) {
    std::string list;
    for (const HostEntry& entry : entries)
      list += (&entry == entries.data() ? "" : ",") + entry.*field;
    // libpq reads a list of empty entries as a list; a single empty one as absent.
    if (list.find_first_not_of(',') == std::string::npos) {
      options.erase(keyword);
    } else {
      options[keyword] = list;
    }
  };
  join("host", &HostEntry::host);
  join("hostaddr", &HostEntry::address);
  join("port", &HostEntry::port);
}

Result<std::vector<std::string>> system_resolver(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failure = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (failure != 0) {
    return Error{
        Errc::disconnected,
        "could not resolve host name \"" + name + "\": " + gai_strerror(failure)};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(
            entry->ai_addr,
            entry->ai_addrlen,
            text.data(),
            text.size(),
            nullptr,
            0,
            NI_NUMERICHOST
        ) == 0) {
      addresses.emplace_back(text.data());
    }
  }
  return addresses;
}

}  // namespace pghang
