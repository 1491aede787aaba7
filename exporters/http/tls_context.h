#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/problems.h"
#include "config/web_config.h"

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace pghang {

/// What a TLS server needs, by OpenSSL.
struct TlsServer {
  /// Shared with the connections that were made with it.
  std::shared_ptr<boost::asio::ssl::context> context;
  std::int64_t expires_at = 0;  ///< unix seconds: the first of the chain that expires
};

/// TLS 1.2 or newer, with the ciphers and curves that Go has by default; no renegotiation, and
/// each connection shows its certificate anew (no session is resumed). Reads the files that the
/// section names. What is wrong goes to `problems` at the section's keys, then there is none: a
/// file cannot be read, holds no certificate or key, an encrypted one, or they do not belong
/// together. A certificate that has expired or soon will is a warning. `now`: unix seconds. Blocks
/// on the file system; any thread.
[[nodiscard]] std::optional<TlsServer> make_tls_server(
    const TlsServerConfig& config,
    std::int64_t now,
    Problems& problems,
    Problems& warnings
);

/// Earlier than that before a certificate expires nobody is warned.
inline constexpr std::int64_t kExpiryWarningSeconds = 30LL * 86'400;

}  // namespace pghang
