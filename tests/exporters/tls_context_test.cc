#include "exporters/http/tls_context.h"

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <boost/asio/ssl/context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/http/client_certificates.h"
#include "exporters/http/web_access.h"
#include "tests/exporters/certificates.h"

namespace pghang {
namespace {

using test::Certificate;
using test::make_certificate;
using Lines = std::vector<std::string>;

constexpr std::int64_t kNever = 0;

Lines texts(Problems& problems) {
  Lines lines;
  for (const ConfigProblem& problem : problems.take())
    lines.push_back(to_string(problem));
  return lines;
}

struct Made {
  std::optional<TlsServer> server;
  Lines problems;
  Lines warnings;
};

Made make(const TlsServerConfig& config, std::int64_t now = kNever) {
  Problems problems("f");
  Problems warnings("f");
  Made made;
  made.server = make_tls_server(config, now, problems, warnings);
  made.problems = texts(problems);
  made.warnings = texts(warnings);
  return made;
}

TlsServerConfig config_of(const Certificate& one) {
  TlsServerConfig config;
  config.cert = one.pem();
  config.key = one.key_pem();
  return config;
}

/// How a handshake in memory ended.
struct Handshake {
  bool done = false;
  std::string protocol;
  std::string cipher;
  int tickets = 0;
  bool verified = false;  ///< as the transport asks for it
};

struct Client {
  const Certificate* certificate = nullptr;
  int min_version = 0;
  int max_version = 0;
  std::string ciphers{};
};

/// One step of each side at a time; the client reads once more, for what TLS 1.3 sends afterwards.
Handshake shake_hands(const TlsServer& server, const Client& wish) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, wish.min_version);
  SSL_CTX_set_max_proto_version(context, wish.max_version);
  if (!wish.ciphers.empty()) SSL_CTX_set_cipher_list(context, wish.ciphers.c_str());
  if (wish.certificate != nullptr) {
    SSL_CTX_use_certificate(context, wish.certificate->certificate.get());
    SSL_CTX_use_PrivateKey(context, wish.certificate->key.get());
  }
  SSL* client = SSL_new(context);
  SSL* daemon = SSL_new(server.context->native_handle());
  BIO* one = nullptr;
  BIO* other = nullptr;
  BIO_new_bio_pair(&one, 1UL << 16U, &other, 1UL << 16U);
  SSL_set_bio(client, one, one);
  SSL_set_bio(daemon, other, other);
  SSL_set_connect_state(client);
  SSL_set_accept_state(daemon);
  bool accepted = false;
  for (int step = 0; step < 20; ++step) {
    SSL_do_handshake(client);
    accepted = SSL_do_handshake(daemon) == 1;
  }
  Handshake result;
  std::array<char, 1> byte{};
  const bool refused =
      SSL_read(client, byte.data(), 1) < 0 && SSL_get_error(client, -1) != SSL_ERROR_WANT_READ;
  result.done = accepted && !refused && SSL_is_init_finished(client) == 1;
  result.protocol = SSL_get_version(daemon);
  result.cipher = result.done ? SSL_get_cipher_name(daemon) : "";
  result.tickets = SSL_SESSION_has_ticket(SSL_get0_session(client)) * (result.done ? 1 : 0);
  result.verified =
      SSL_get0_peer_certificate(daemon) != nullptr && SSL_get_verify_result(daemon) == X509_V_OK;
  SSL_free(client);
  SSL_free(daemon);
  SSL_CTX_free(context);
  return result;
}

bool accepts(const TlsServerConfig& config, const Client& client) {
  const Made made = make(config);
  EXPECT_EQ(made.problems, Lines{});
  return made.server && shake_hands(*made.server, client).done;
}

TEST(TlsContext, TakesTls12And13AndNothingOlder) {
  const Certificate own = make_certificate();
  const TlsServerConfig config = config_of(own);
  EXPECT_TRUE(accepts(config, {.max_version = TLS1_3_VERSION}));
  EXPECT_TRUE(accepts(config, {.max_version = TLS1_2_VERSION}));
  EXPECT_FALSE(accepts(config, {.max_version = TLS1_1_VERSION}));
  EXPECT_FALSE(accepts(config, {.max_version = TLS1_VERSION}));
}

TEST(TlsContext, TakesTheVersionsThatItIsToldTo) {
  TlsServerConfig config = config_of(make_certificate());
  config.min_version = TlsVersion::tls13;
  EXPECT_FALSE(accepts(config, {.max_version = TLS1_2_VERSION}));
  EXPECT_TRUE(accepts(config, {}));
  config.min_version = TlsVersion::tls12;
  config.max_version = TlsVersion::tls12;
  EXPECT_FALSE(accepts(config, {.min_version = TLS1_3_VERSION}));
  EXPECT_TRUE(accepts(config, {}));
}

TEST(TlsContext, TakesTheCiphersThatItIsToldTo) {
  TlsServerConfig config = config_of(make_certificate());
  config.cipher_suites = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"};
  const Made made = make(config);
  ASSERT_TRUE(made.server);
  const Client client{
      .max_version = TLS1_2_VERSION,
      .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"};
  EXPECT_EQ(shake_hands(*made.server, client).cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
  config.prefer_server_cipher_suites = false;
  EXPECT_EQ(shake_hands(*make(config).server, client).cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
  config.cipher_suites = {"TLS_AES_128_GCM_SHA256"};
  EXPECT_FALSE(accepts(config, {.max_version = TLS1_2_VERSION}));
}

TEST(TlsContext, NoSessionIsResumed) {
  const Certificate own = make_certificate();
  const Made made = make(config_of(own));
  ASSERT_TRUE(made.server);
  EXPECT_EQ(shake_hands(*made.server, {}).tickets, 0);
  EXPECT_EQ(shake_hands(*made.server, {.max_version = TLS1_2_VERSION}).tickets, 0);
}

class ClientCertificates : public testing::TestWithParam<ClientAuth> {
 protected:
  Certificate authority_ = make_certificate({.common_name = "ca", .authority = true});
  Certificate good_ = make_certificate({.common_name = "good"}, &authority_);
  Certificate foreign_ = make_certificate({.common_name = "foreign"});
  Certificate expired_ = make_certificate(
      {.common_name = "old", .valid_from = -7200, .valid_until = -60},
      &authority_
  );

  [[nodiscard]] TlsServerConfig config(ClientAuth type) const {
    TlsServerConfig config = config_of(make_certificate());
    config.client_auth_type = type;
    if (type != ClientAuth::none) config.client_ca = authority_.pem();
    return config;
  }

  struct Answers {
    bool none = false;
    bool good = false;
    bool foreign = false;
    bool expired = false;

    friend bool operator==(const Answers&, const Answers&) = default;
  };

  [[nodiscard]] Answers answers(ClientAuth type) const {
    const TlsServerConfig with = config(type);
    return {
        accepts(with, {}),
        accepts(with, {.certificate = &good_}),
        accepts(with, {.certificate = &foreign_}),
        accepts(with, {.certificate = &expired_})};
  }
};

TEST_F(ClientCertificates, AreJudgedAsTheTypeSays) {
  EXPECT_EQ(answers(ClientAuth::none), (Answers{true, true, true, true}));
  EXPECT_EQ(answers(ClientAuth::request), (Answers{true, true, true, true}));
  EXPECT_EQ(answers(ClientAuth::require_any), (Answers{false, true, true, true}));
  EXPECT_EQ(answers(ClientAuth::require_any_old_name), (Answers{false, true, true, true}));
  EXPECT_EQ(answers(ClientAuth::verify_if_given), (Answers{true, true, false, false}));
  EXPECT_EQ(answers(ClientAuth::require_and_verify), (Answers{false, true, false, false}));
}

TEST_F(ClientCertificates, AreVerifiedOnlyWhereTheTypeSaysSo) {
  const auto verified = [this](ClientAuth type, const Certificate* certificate) {
    const Made made = make(config(type));
    return made.server && shake_hands(*made.server, {.certificate = certificate}).verified;
  };
  EXPECT_TRUE(verified(ClientAuth::require_and_verify, &good_));
  EXPECT_TRUE(verified(ClientAuth::verify_if_given, &good_));
  EXPECT_FALSE(verified(ClientAuth::verify_if_given, nullptr));
  EXPECT_FALSE(verified(ClientAuth::require_any, &good_));
  EXPECT_FALSE(verified(ClientAuth::require_any, &foreign_));
  EXPECT_FALSE(verified(ClientAuth::request, &good_));
  EXPECT_FALSE(verified(ClientAuth::none, &good_));
}

TEST_F(ClientCertificates, HaveOneOfTheAllowedNames) {
  TlsServerConfig allowing = config(ClientAuth::require_and_verify);
  allowing.client_allowed_sans = {"prometheus", "10.0.0.7", "::1", "a@b.example", "spiffe://x/y"};
  for (const char* names :
       {"DNS:other,DNS:prometheus",
        "IP:10.0.0.7",
        "IP:::1",
        "email:a@b.example",
        "URI:spiffe://x/y"}) {
    const Certificate named = make_certificate({.alternative_names = names}, &authority_);
    EXPECT_TRUE(accepts(allowing, {.certificate = &named})) << names;
  }
  const Certificate other = make_certificate({.alternative_names = "DNS:promethe"}, &authority_);
  EXPECT_FALSE(accepts(allowing, {.certificate = &other}));
  EXPECT_FALSE(accepts(allowing, {.certificate = &good_}));
  allowing.client_allowed_sans = Lines{};
  EXPECT_FALSE(accepts(allowing, {.certificate = &good_}));
}

TEST_F(ClientCertificates, AForeignOneOfAnAllowedNameIsRefused) {
  TlsServerConfig allowing = config(ClientAuth::require_and_verify);
  allowing.client_allowed_sans = {"prometheus"};
  const Certificate forged = make_certificate({.alternative_names = "DNS:prometheus"});
  EXPECT_FALSE(accepts(allowing, {.certificate = &forged}));
}

TEST(TlsContext, SaysWhatIsWrongWithWhich) {
  const Certificate own = make_certificate();
  const Certificate other = make_certificate();
  const auto problem_of = [](const TlsServerConfig& config) {
    const Made made = make(config);
    EXPECT_FALSE(made.server);
    return made.problems.empty() ? "" : made.problems.front();
  };
  TlsServerConfig config = config_of(own);
  config.key = other.key_pem();
  EXPECT_EQ(problem_of(config), "f:1: tls_server_config.key: is not the key of the certificate");
  config.key = own.key_pem("secret");
  EXPECT_EQ(
      problem_of(config),
      "f:1: tls_server_config.key: is encrypted, and nobody is there to enter its password"
  );
  config.key = own.pem();
  EXPECT_EQ(problem_of(config), "f:1: tls_server_config.key: holds no private key (PEM)");
  config = config_of(own);
  config.cert = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(problem_of(config), "f:1: tls_server_config.cert: holds no certificate (PEM)");
  config = config_of(own);
  config.client_auth_type = ClientAuth::require_and_verify;
  config.client_ca = "nothing";
  EXPECT_EQ(problem_of(config), "f:1: tls_server_config.client_ca: holds no certificate (PEM)");
  config = config_of(own);
  config.cert.clear();
  config.cert_file = "/nowhere/a.pem";
  EXPECT_EQ(
      problem_of(config),
      "f:1: tls_server_config.cert_file: /nowhere/a.pem cannot be opened: No such file or directory"
  );
}

TEST(TlsContext, WarnsOfACertificateThatHasExpiredOrSoonWill) {
  const std::int64_t now = std::time(nullptr);
  const auto warning_of = [now](long from, long until) {
    const Made made =
        make(config_of(make_certificate({.valid_from = from, .valid_until = until})), now);
    EXPECT_TRUE(made.server);
    EXPECT_NEAR(static_cast<double>(made.server->expires_at), static_cast<double>(now + until), 5);
    return made.warnings.empty() ? "" : made.warnings.front();
  };
  constexpr long kDay = 86'400;
  EXPECT_THAT(
      warning_of(-2 * kDay, -kDay),
      testing::StartsWith("f:1: tls_server_config.cert: warning: expired 2")
  );
  EXPECT_THAT(
      warning_of(-kDay, 29 * kDay),
      testing::HasSubstr("warning: expires within 30 days: 2")
  );
  EXPECT_THAT(warning_of(kDay, 90 * kDay), testing::HasSubstr("warning: is not valid before 2"));
  EXPECT_EQ(warning_of(-kDay, 31 * kDay), "");
}

TEST(TlsContext, TheFirstOfTheChainThatExpiresCounts) {
  const Certificate authority = make_certificate({.authority = true, .valid_until = 3600});
  const Certificate own = make_certificate({}, &authority);
  TlsServerConfig config = config_of(own);
  config.cert += authority.pem();
  const Made made = make(config, std::time(nullptr));
  ASSERT_TRUE(made.server);
  EXPECT_LT(made.server->expires_at, std::time(nullptr) + 7200);
}

TEST(WebAccess, IsMadeOfTheFileAndThoseThatItNames) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("web_access_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name) << text;
  };
  const Certificate own = make_certificate();
  write("a.pem", own.pem());
  write("a.key", own.key_pem());
  write("web.yml", "tls_server_config:\n  cert_file: a.pem\n  key_file: a.key\n");
  const std::string path = folder / "web.yml";
  const LoadedWebAccess good = load_web_access(path, std::time(nullptr));
  EXPECT_TRUE(good.ok());
  EXPECT_TRUE(good.access.tls.context);
  EXPECT_EQ(good.access.files, (Lines{path, folder / "a.pem", folder / "a.key"}));

  write("a.key", make_certificate().key_pem());
  const LoadedWebAccess wrong = load_web_access(path, std::time(nullptr));
  ASSERT_EQ(wrong.problems.size(), 1U);
  EXPECT_EQ(
      to_string(wrong.problems.front()),
      path + ":3: tls_server_config.key_file: " + (folder / "a.key").string() +
          " is not the key of the certificate"
  );
  EXPECT_EQ(wrong.access.files.size(), 3U);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace pghang
