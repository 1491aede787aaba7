#include "exporters/http/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include <boost/asio/ssl/context.hpp>

#include "config/document.h"
#include "exporters/http/client_certificates.h"
#include "exporters/text.h"

namespace pghang {
namespace {

template <auto free_one>
struct Free {
  template <typename T>
  void operator()(T* one) const {
    free_one(one);
  }
};

using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;

/// Those of Go's crypto/tls, in its order of preference.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA";
constexpr const char* kCurves = "X25519:P-256:P-384:P-521";
constexpr const char* kSection = "tls_server_config";

/// OpenSSL's words for what failed last on this thread; its queue is empty afterwards.
std::string reason() {
  const char* words = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return words == nullptr ? "OpenSSL does not say why" : words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ":") + word;
  return text;
}

/// PEM, and which key it came by.
struct Source {
  std::string key;
  std::string pem;
  std::string name;  ///< of the file; empty when it is in the configuration itself

  [[nodiscard]] std::string words(const std::string& fault) const {
    return name.empty() ? fault : name + " " + fault;
  }
};

class Builder {
 public:
  Builder(const TlsServerConfig& config, std::int64_t now, Problems& problems, Problems& warnings)
      : config_(config),
        now_(now),
        problems_(problems),
        warnings_(warnings),
        context_(SSL_CTX_new(TLS_server_method())) {}

  std::optional<TlsServer> build() {
    if (!context_) {
      problems_.add(kSection, "OpenSSL: " + reason());
      return std::nullopt;
    }
    Source certificate = source("cert", config_.cert, config_.cert_file);
    Source key = source("key", config_.key, config_.key_file);
    Source authority = source("client_ca", config_.client_ca, config_.client_ca_file);
    if (problems_.empty()) use_certificate(certificate);
    if (problems_.empty()) use_key(key);
    if (problems_.empty()) set_protocol();
    if (problems_.empty()) ask_clients(authority);
    OPENSSL_cleanse(key.pem.data(), key.pem.size());
    if (!problems_.empty()) return std::nullopt;
    return TlsServer{std::make_shared<boost::asio::ssl::context>(context_.release()), expires_at_};
  }

 private:
  void refuse(const Source& source, const std::string& fault) {
    problems_.add(source.key, source.words(fault));
  }

  Source source(const char* key, const std::string& inline_text, const std::string& file) {
    const std::string path = kSection + ("." + std::string(key));
    if (file.empty()) return {path, inline_text, ""};
    Source named{path + "_file", "", file};
    Result<std::string> text = read_regular_file(file);
    if (!text) {
      refuse(named, text.error().context);
    } else if (text->size() > kLargestFile) {
      refuse(named, "is larger than 1 MiB");
    } else {
      named.pem = *std::move(text);
    }
    return named;
  }

  static std::vector<Certificate> certificates(const std::string& pem) {
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::vector<Certificate> found;
    while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr))
      found.emplace_back(one);
    return found;
  }

  /// Never asks at the terminal.
  static int no_password(char*, int, int, void*) { return -1; }

  /// The first is the server's own, what follows leads to a root.
  void use_certificate(const Source& source) {
    std::vector<Certificate> chain = certificates(source.pem);
    // The end of the text is an error of its kind.
    ERR_clear_error();
    if (chain.empty()) return refuse(source, "holds no certificate (PEM)");
    if (SSL_CTX_use_certificate(context_.get(), chain.front().get()) != 1)
      return refuse(source, "cannot be used: " + reason());
    for (std::size_t i = 1; i < chain.size(); ++i) {
      if (SSL_CTX_add1_chain_cert(context_.get(), chain[i].get()) != 1)
        return refuse(source, "has a chain that cannot be used: " + reason());
    }
    judge_times(source, chain);
  }

  void judge_times(const Source& source, const std::vector<Certificate>& chain) {
    std::int64_t begins = 0;
    for (const Certificate& one : chain) {
      const std::int64_t ends = seconds(X509_get0_notAfter(one.get()));
      expires_at_ = &one == chain.data() ? ends : std::min(expires_at_, ends);
      begins = std::max(begins, seconds(X509_get0_notBefore(one.get())));
    }
    const auto warn = [&](const std::string& fault, std::int64_t at) {
      warnings_.add(source.key, "warning: " + source.words(fault + " " + rfc3339(at * 1'000'000)));
    };
    if (expires_at_ <= now_) {
      warn("expired", expires_at_);
    } else if (expires_at_ - now_ < kExpiryWarningSeconds) {
      warn("expires within 30 days:", expires_at_);
    }
    if (begins > now_) warn("is not valid before", begins);
  }

  static std::int64_t seconds(const ASN1_TIME* time) {
    std::tm parts{};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
  }

  void use_key(const Source& source) {
    const Bio bio(BIO_new_mem_buf(source.pem.data(), static_cast<int>(source.pem.size())));
    const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    ERR_clear_error();
    if (!key) {
      const bool encrypted = source.pem.find("ENCRYPTED") != std::string::npos;
      return refuse(
          source,
          encrypted ? "is encrypted, and nobody is there to enter its password"
                    : "holds no private key (PEM)"
      );
    }
    if (X509_check_private_key(SSL_CTX_get0_certificate(context_.get()), key.get()) != 1) {
      ERR_clear_error();
      return refuse(source, "is not the key of the certificate");
    }
    if (SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1)
      refuse(source, "cannot be used: " + reason());
  }

  void set_protocol() {
    SSL_CTX* context = context_.get();
    std::vector<std::string> suites = config_.cipher_suites;
    std::erase_if(suites, [](const std::string& suite) { return suite.starts_with("TLS_"); });
    const bool only_13 = suites.empty() && !config_.cipher_suites.empty();
    const auto version = [](TlsVersion one) {
      return one == TlsVersion::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    };
    const std::string ciphers = suites.empty() ? kCiphers : joined(suites);
    const std::string curves =
        config_.curve_preferences.empty() ? kCurves : joined(config_.curve_preferences);
    SSL_CTX_set_options(
        context,
        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET
    );
    if (config_.prefer_server_cipher_suites)
      SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    const bool set = SSL_CTX_set_num_tickets(context, 0) == 1 &&
                     SSL_CTX_set_min_proto_version(
                         context,
                         only_13 ? TLS1_3_VERSION : version(config_.min_version)
                     ) == 1 &&
                     SSL_CTX_set_max_proto_version(context, version(config_.max_version)) == 1 &&
                     SSL_CTX_set_cipher_list(context, ciphers.c_str()) == 1 &&
                     SSL_CTX_set1_groups_list(context, curves.c_str()) == 1;
    if (!set) problems_.add(kSection, "OpenSSL does not take it: " + reason());
  }

  void ask_clients(const Source& source) {
    const std::vector<Certificate> found = certificates(source.pem);
    ERR_clear_error();
    if (found.empty() && !(source.pem.empty() && source.name.empty()))
      return refuse(source, "holds no certificate (PEM)");
    std::vector<X509*> authorities;
    for (const Certificate& one : found)
      authorities.push_back(one.get());
    if (!ask_for_client_certificates(context_.get(), config_, authorities))
      refuse(source, "cannot be used: " + reason());
  }

  const TlsServerConfig& config_;
  std::int64_t now_;
  Problems& problems_;
  Problems& warnings_;
  Context context_;
  std::int64_t expires_at_ = 0;
};

}  // namespace

std::optional<TlsServer> make_tls_server(
    const TlsServerConfig& config,
    std::int64_t now,
    Problems& problems,
    Problems& warnings
) {
  ERR_clear_error();
  return Builder(config, now, problems, warnings).build();
}

}  // namespace pghang
