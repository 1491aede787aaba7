#include "exporters/external_url.h"

#include <unistd.h>

#include <array>

namespace pghang {

std::string external_url(
    std::string configured,
    const std::string& bound,
    const std::string& host_name,
    bool tls
) {
  while (configured.ends_with('/'))
    configured.pop_back();
  if (!configured.empty()) return configured;
  const std::string scheme = tls ? "https://" : "http://";
  for (const std::string every : {"0.0.0.0:", "[::]:"}) {
    if (bound.starts_with(every)) return scheme + host_name + ":" + bound.substr(every.size());
  }
  return scheme + bound;
}

std::string host_name() {
  std::array<char, 256> name{};
  // A longer name would come without its end.
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

}  // namespace pghang
