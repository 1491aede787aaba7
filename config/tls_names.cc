#include "config/tls_names.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "config/nearest.h"

namespace pghang {

namespace {

struct Name {
  std::string_view go;
  std::string_view openssl;
};

constexpr std::array kCipherSuites{
    Name{"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
    Name{"TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
    Name{"TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
    Name{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    Name{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    Name{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    Name{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    Name{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    Name{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    Name{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    Name{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    Name{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    Name{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
};

constexpr std::array kCurves{
    Name{"CurveP256", "P-256"},
    Name{"CurveP384", "P-384"},
    Name{"CurveP521", "P-521"},
    Name{"X25519", "X25519"},
};

Result<std::string>
openssl_name(std::span<const Name> names, std::string_view name, const std::string& what) {
  const auto found = std::ranges::find(names, name, &Name::go);
  if (found != names.end()) return std::string(found->openssl);
  std::vector<std::string> known;
  for (const Name& one : names)
    known.emplace_back(one.go);
  return Error{Errc::malformed, "is no " + what + did_you_mean(name, known)};
}

}  // namespace

Result<std::string> parse_cipher_suite(std::string_view name) {
  return openssl_name(kCipherSuites, name, "cipher suite that Go's tls.CipherSuites() names");
}

Result<std::string> parse_curve(std::string_view name) {
  return openssl_name(kCurves, name, "curve; there are CurveP256, CurveP384, CurveP521 and X25519");
}

}  // namespace pghang
