#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pghang {

/// The host of `db1:10187`, `[::1]:10187` (without brackets) or `https://db1/path`, in lower case.
[[nodiscard]] std::string host_of(std::string_view text);

/// Whether the value of a Host header may be meant for this host: it is an IP address, `localhost`
/// or below it, one of `names` (lower case), or empty. A page of an attacker whose name was made to
/// lead here (DNS rebinding) has another.
[[nodiscard]] bool names_this_host(std::string_view host, const std::vector<std::string>& names);

}  // namespace pghang
