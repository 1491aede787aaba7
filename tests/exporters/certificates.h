#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace pghang::test {

/// A certificate and its key (EC, P-256), made when they are asked for.
struct Certificate {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;

  [[nodiscard]] std::string pem() const;
  /// Empty `password`: not encrypted.
  [[nodiscard]] std::string key_pem(const std::string& password = "") const;
};

struct CertificateWish {
  std::string common_name = "pghangd";
  std::string alternative_names{};  ///< `DNS:a,IP:10.0.0.1,email:a@b,URI:spiffe://x`
  bool authority = false;
  long valid_from = -3600;  ///< seconds from now
  long valid_until = 90L * 86'400;
};

/// `issuer` null: signed by itself.
[[nodiscard]] Certificate
make_certificate(const CertificateWish& wish = {}, const Certificate* issuer = nullptr);

}  // namespace pghang::test
