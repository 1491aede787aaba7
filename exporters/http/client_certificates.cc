#include "exporters/http/client_certificates.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>

namespace pghang {
namespace {

/// Of one SSL_CTX, and freed with it: connections may outlive whoever made that.
struct ClientPolicy {
  bool verify = false;
  std::optional<std::vector<std::string>> allowed;
};

void free_policy(void*, void* policy, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<ClientPolicy*>(policy);
}

int policy_index() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_policy);
  return kIndex;
}

bool is_allowed(const ClientPolicy& policy, const X509* certificate) {
  if (!policy.allowed) return true;
  const std::vector<std::string> names = alternative_names(certificate);
  return std::ranges::any_of(names, [&](const std::string& name) {
    return std::ranges::find(*policy.allowed, name) != policy.allowed->end();
  });
}

/// 1: the handshake goes on. What SSL_get_verify_result() says afterwards is X509_V_OK only of a
/// certificate that was verified.
int judge(X509_STORE_CTX* chain, void*) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx())
  );
  const auto* policy =
      static_cast<const ClientPolicy*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), policy_index()));
  if (policy == nullptr) return 0;
  if (policy->verify && X509_verify_cert(chain) <= 0) return 0;
  if (!is_allowed(*policy, X509_STORE_CTX_get0_cert(chain))) {
    X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
  }
  X509_STORE_CTX_set_error(chain, policy->verify ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
  return 1;
}

std::string address_text(const ASN1_OCTET_STRING& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.length == 4 ? AF_INET : AF_INET6;
  if (address.length != 4 && address.length != 16) return "";
  const char* written = inet_ntop(family, address.data, text.data(), text.size());
  return written == nullptr ? "" : written;
}

int mode_of(ClientAuth type) {
  switch (type) {
    case ClientAuth::none: return SSL_VERIFY_NONE;
    case ClientAuth::request:
    case ClientAuth::verify_if_given: return SSL_VERIFY_PEER;
    case ClientAuth::require_any:
    case ClientAuth::require_any_old_name:
    case ClientAuth::require_and_verify: return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

}  // namespace

bool ask_for_client_certificates(
    SSL_CTX* context,
    const TlsServerConfig& config,
    const std::vector<X509*>& authorities
) {
  auto policy = std::make_unique<ClientPolicy>();
  policy->verify = config.client_auth_type == ClientAuth::verify_if_given ||
                   config.client_auth_type == ClientAuth::require_and_verify;
  policy->allowed = config.client_allowed_sans;
  if (SSL_CTX_set_ex_data(context, policy_index(), policy.get()) != 1) return false;
  static_cast<void>(policy.release());
  SSL_CTX_set_verify(context, mode_of(config.client_auth_type), nullptr);
  SSL_CTX_set_cert_verify_callback(context, judge, nullptr);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  // As in Go, whatever is named is trusted, also where it is no root.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return std::ranges::all_of(authorities, [&](X509* authority) {
    return X509_STORE_add_cert(store, authority) == 1 &&
           SSL_CTX_add_client_CA(context, authority) == 1;
  });
}

std::vector<std::string> alternative_names(const X509* certificate) {
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)
  );
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_IPADD) {
      names.push_back(address_text(*name->d.iPAddress));
    } else if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI) {
      const ASN1_IA5STRING* text = name->d.ia5;
      const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
      names.emplace_back(bytes, static_cast<std::size_t>(ASN1_STRING_length(text)));
    }
  }
  GENERAL_NAMES_free(all);
  return names;
}

}  // namespace pghang
