#include "exporters/http/own_names.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include <boost/asio/ip/address.hpp>

namespace pghang {

std::string host_of(std::string_view text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos)
    text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find('/'));
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') - 1);
  } else {
    text = text.substr(0, text.find(':'));
  }
  std::string host(text);
  std::ranges::transform(host, host.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return host;
}

bool names_this_host(std::string_view host, const std::vector<std::string>& names) {
  const std::string name = host_of(host);
  if (name.empty() || name == "localhost" || name.ends_with(".localhost")) return true;
  boost::system::error_code no_address;
  boost::asio::ip::make_address(name, no_address);
  return !no_address || std::ranges::find(names, name) != names.end();
}

}  // namespace pghang
