#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "config/web_config.h"

namespace pghang {

/// Makes `context` ask clients for certificates and judge them as the configuration says.
/// `authorities` are those that may have signed them; taken over by reference count. False: out of
/// memory.
[[nodiscard]] bool ask_for_client_certificates(
    SSL_CTX* context,
    const TlsServerConfig& config,
    const std::vector<X509*>& authorities
);

/// Every subject alternative name of a certificate that is a DNS name, an IP address, an e-mail
/// address or a URI, as Go's crypto/x509 spells them.
[[nodiscard]] std::vector<std::string> alternative_names(const X509* certificate);

}  // namespace pghang
