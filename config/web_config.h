#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"

/// TLS, login and headers of the HTTP server, in the format of Prometheus' exporter-toolkit
/// (docs/web-configuration.md there): the file of `--web.config.file`.
namespace pghang {

enum class TlsVersion { tls12, tls13 };

/// What is asked of clients (Go's tls.ClientAuthType).
enum class ClientAuth {
  none,         ///< no certificate
  request,      ///< one may be sent, and is not verified
  require_any,  ///< one must be sent, and is not verified
  require_any_old_name,
  verify_if_given,     ///< one that is sent must be of client_ca
  require_and_verify,  ///< one of client_ca must be sent
};

/// `tls_server_config`.
struct TlsServerConfig {
  std::string cert;            ///< PEM, the chain after it; or the file
  std::string key;             ///< secret
  std::string client_ca;       ///< PEM
  std::string cert_file;       ///< files are absolute, or relative to the working directory
  std::string key_file;        ///< the same
  std::string client_ca_file;  ///< the same
  ClientAuth client_auth_type = ClientAuth::none;
  /// Absent: any. Else the certificate has one of these as DNS name, IP, e-mail or URI.
  std::optional<std::vector<std::string>> client_allowed_sans;
  TlsVersion min_version = TlsVersion::tls12;
  TlsVersion max_version = TlsVersion::tls13;
  /// As OpenSSL spells them; those of TLS 1.3 cannot be chosen and begin with `TLS_`. Empty: Go's.
  std::vector<std::string> cipher_suites;
  bool prefer_server_cipher_suites = true;
  std::vector<std::string> curve_preferences;  ///< as OpenSSL spells them; empty: Go's

  friend bool operator==(const TlsServerConfig&, const TlsServerConfig&) = default;

  /// Whether any key of the section that asks for TLS is there.
  [[nodiscard]] bool enabled() const {
    return !cert.empty() || !key.empty() || !client_ca.empty() || !cert_file.empty() ||
           !key_file.empty() || !client_ca_file.empty() || client_auth_type != ClientAuth::none;
  }
};

/// `http_server_config.headers`: added to every answer; empty: not.
struct WebHeaders {
  std::string content_security_policy;
  std::string x_frame_options;
  std::string x_content_type_options;
  std::string x_xss_protection;
  std::string strict_transport_security;

  friend bool operator==(const WebHeaders&, const WebHeaders&) = default;
};

struct HttpServerConfig {
  std::optional<bool> http2;  ///< without effect: HTTP/1.1 is spoken
  WebHeaders headers;

  friend bool operator==(const HttpServerConfig&, const HttpServerConfig&) = default;
};

/// A name that the file chooses, and its value.
struct NamedText {
  std::string name;
  std::string text;

  friend bool operator==(const NamedText&, const NamedText&) = default;
};

/// `rate_limit`: a token bucket over all requests.
struct RateLimit {
  Duration interval{0};     ///< between two requests in the long run; 0: no limit
  std::uint32_t burst = 0;  ///< requests at once

  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

struct WebConfig {
  TlsServerConfig tls_server_config;
  HttpServerConfig http_server_config;
  std::vector<NamedText> basic_auth_users;  ///< bcrypt hashes, secret; empty: no login
  RateLimit rate_limit;

  friend bool operator==(const WebConfig&, const WebConfig&) = default;

  /// Whether who gets an answer has shown who he is: by a password, or a verified certificate.
  [[nodiscard]] bool has_login() const {
    return !basic_auth_users.empty() ||
           tls_server_config.client_auth_type == ClientAuth::require_and_verify;
  }
};

[[nodiscard]] const char* to_string(TlsVersion version);
[[nodiscard]] const char* to_string(ClientAuth type);

}  // namespace pghang
