#include "config/web_config.h"

namespace pghang {

const char* to_string(TlsVersion version) {
  return version == TlsVersion::tls12 ? "TLS12" : "TLS13";
}

const char* to_string(ClientAuth type) {
  switch (type) {
    case ClientAuth::none: return "NoClientCert";
    case ClientAuth::request: return "RequestClientCert";
    case ClientAuth::require_any: return "RequireAnyClientCert";
    case ClientAuth::require_any_old_name: return "RequireClientCert";
    case ClientAuth::verify_if_given: return "VerifyClientCertIfGiven";
    case ClientAuth::require_and_verify: return "RequireAndVerifyClientCert";
  }
  return "NoClientCert";
}

}  // namespace pghang
