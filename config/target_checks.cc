#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "config/checks.h"
#include "config/encoding.h"

namespace pghang {

namespace {

bool is_address(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  return inet_pton(family, text.c_str(), parsed.data()) == 1;
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end;
}

/// Numeric, or `localhost`: looking a name up would block.
bool is_host(const std::string& host) {
  if (host.empty() || host == "localhost") return true;
  if (host.starts_with('[') && host.ends_with(']'))
    return is_address(AF_INET6, host.substr(1, host.size() - 2));
  return is_address(AF_INET, host);
}

bool is_listen_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return false;
  return is_host(address.substr(0, colon)) && is_port(std::string_view(address).substr(colon + 1));
}

bool is_repeated(const std::vector<std::string>& list, std::size_t index) {
  return std::any_of(
      list.begin(),
      std::next(list.begin(), static_cast<std::ptrdiff_t>(index)),
      [&](const std::string& earlier) { return earlier == list[index]; }
  );
}

/// Why libpq could not even parse it; empty when it might. Shallow: libpq has the last word.
std::string dsn_fault(const std::string& dsn) {
  if (dsn.empty()) return "is empty; write at least `dbname=postgres`";
  if (dsn.starts_with("postgresql://") || dsn.starts_with("postgres://")) return "";
  const std::size_t equals = dsn.find('=');
  const bool other_scheme = dsn.find("://") < equals;
  if (equals != std::string::npos && !other_scheme) return "";
  return "is neither `keyword=value ...` nor a postgresql:// URI";
}

bool is_below(const std::string& path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

}  // namespace

void check_target(const Target& target, const std::string& key, std::vector<Finding>& findings) {
  if (const std::string fault = dsn_fault(target.dsn); !fault.empty())
    findings.push_back({key + ".dsn", fault});
  const std::string& file = target.password_file;
  if (!file.empty() && !file.starts_with('/') && !file.starts_with("${CREDENTIALS_DIRECTORY}/"))
    findings.push_back(
        {key + ".password_file",
         "must be an absolute path, or start with ${CREDENTIALS_DIRECTORY}/"}
    );
}

std::string web_address_fault(const std::string& url) {
  constexpr std::string_view unfit = " ?#\"<>\\^`{|}";
  if (is_web_address(url) && url.find_first_of(unfit) == std::string::npos) return {};
  return "must be like https://db1.example.com:10187, without a query";
}

void check_web(const Web& web, std::vector<Finding>& findings) {
  const std::string key = "web.listen_addresses";
  if (web.listen_addresses.empty()) findings.push_back({key, "must name at least one address"});
  for (std::size_t i = 0; i < web.listen_addresses.size(); ++i) {
    const std::string& address = web.listen_addresses[i];
    const std::string address_key = key + "[" + std::to_string(i) + "]";
    if (!is_listen_address(address)) {
      findings.push_back(
          {address_key,
           in_quotes(address) + " is not an address; write 127.0.0.1:10187, [::1]:10187 or :10187"}
      );
    } else if (is_repeated(web.listen_addresses, i)) {
      findings.push_back({address_key, in_quotes(address) + " is there already"});
    }
  }

  if (!web.external_url.empty()) {
    if (const std::string fault = web_address_fault(web.external_url); !fault.empty())
      findings.push_back({"web.external_url", fault});
  }
  const std::string& socket = web.control_socket;
  if (!socket.empty() && !socket.starts_with('/') && !socket.starts_with("${RUNTIME_DIRECTORY}/"))
    findings.push_back(
        {"web.control_socket",
         "must be an absolute path, or start with ${RUNTIME_DIRECTORY}/; empty for none"}
    );

  if (!web.config_file.empty() && !web.config_file.starts_with('/'))
    findings.push_back({"web.config_file", "must be an absolute path"});

  constexpr std::string_view unfit = " ?#%\"<>\\^`{|}";
  const std::string& path = web.telemetry_path;
  if (!path.starts_with('/') || path.size() == 1 ||
      path.find_first_of(unfit) != std::string::npos) {
    findings.push_back({"web.telemetry_path", "must be a plain path like /metrics"});
    return;
  }
  for (const char* const taken : {"/-", "/api", "/incidents", "/fingerprints"}) {
    if (is_below(path, taken))
      findings.push_back({"web.telemetry_path", std::string(taken) + " is taken by other pages"});
  }
}

}  // namespace pghang
