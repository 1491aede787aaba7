#include "tests/exporters/certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>

namespace pghang::test {
namespace {

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

void extend(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

std::string Certificate::pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate.get());
  return text_of(bio);
}

std::string Certificate::key_pem(const std::string& password) const {
  BIO* bio = BIO_new(BIO_s_mem());
  std::string secret = password;
  PEM_write_bio_PKCS8PrivateKey(
      bio,
      key.get(),
      password.empty() ? nullptr : EVP_aes_128_cbc(),
      secret.data(),
      static_cast<int>(secret.size()),
      nullptr,
      nullptr
  );
  return text_of(bio);
}

Certificate make_certificate(const CertificateWish& wish, const Certificate* issuer) {
  static std::atomic<long> serial{1};
  Certificate made;
  made.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
  made.certificate.reset(X509_new(), X509_free);
  X509* one = made.certificate.get();
  X509_set_version(one, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(one), serial++);
  X509_gmtime_adj(X509_getm_notBefore(one), wish.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(one), wish.valid_until);
  X509_set_pubkey(one, made.key.get());
  X509_NAME* name = X509_get_subject_name(one);
  const auto* common = reinterpret_cast<const unsigned char*>(wish.common_name.c_str());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
  X509_set_issuer_name(
      one,
      issuer == nullptr ? name : X509_get_subject_name(issuer->certificate.get())
  );
  extend(one, NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wish.alternative_names.empty()) extend(one, NID_subject_alt_name, wish.alternative_names);
  X509_sign(one, issuer == nullptr ? made.key.get() : issuer->key.get(), EVP_sha256());
  return made;
}

}  // namespace pghang::test
