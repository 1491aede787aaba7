#pragma once

#include <string>
#include <string_view>

#include "config/result.h"

namespace pghang {

/// OpenSSL's name of a cipher suite by that of Go's tls.CipherSuites() (the IANA's); one of TLS 1.3
/// keeps its name. Malformed, with words, for any other.
[[nodiscard]] Result<std::string> parse_cipher_suite(std::string_view name);

/// OpenSSL's name of a curve by that of Go's tls.CurveID.
[[nodiscard]] Result<std::string> parse_curve(std::string_view name);

}  // namespace pghang
