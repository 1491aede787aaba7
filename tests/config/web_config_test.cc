#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/web_config_loader.h"

namespace pghang {
namespace {

using Lines = std::vector<std::string>;

const std::string kHash = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze";
const std::string kFiles = "tls_server_config:\n  cert_file: a.pem\n  key_file: a.key\n";

Lines texts(Problems& problems) {
  Lines lines;
  for (const ConfigProblem& problem : problems.take())
    lines.push_back(to_string(problem));
  return lines;
}

Lines problems_of(const std::string& text) {
  LoadedWebConfig loaded = parse_web_config(text, "f");
  return texts(loaded.problems);
}

Lines warnings_of(const std::string& text) {
  LoadedWebConfig loaded = parse_web_config(text, "f");
  EXPECT_TRUE(loaded.problems.empty());
  return texts(loaded.warnings);
}

WebConfig config_of(const std::string& text, const std::string& path = "f") {
  LoadedWebConfig loaded = parse_web_config(text, path);
  EXPECT_EQ(texts(loaded.problems), Lines{});
  return loaded.config;
}

TEST(WebConfig, AnEmptyFileAsksForNothing) {
  const WebConfig config = config_of("");
  EXPECT_EQ(config, WebConfig{});
  EXPECT_FALSE(config.has_login());
  EXPECT_FALSE(config.tls_server_config.enabled());
}

TEST(WebConfig, EveryKeyIsRead) {
  const WebConfig config = config_of(
      "tls_server_config:\n"
      "  cert: |\n    -----BEGIN\n    x\n"
      "  key: |\n    k\n"
      "  client_ca_file: ca.pem\n"
      "  client_auth_type: RequireAndVerifyClientCert\n"
      "  client_allowed_sans: [prometheus, 10.0.0.1]\n"
      "  min_version: TLS13\n"
      "  max_version: TLS13\n"
      "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n"
      "  prefer_server_cipher_suites: false\n"
      "  curve_preferences: [CurveP384, X25519]\n"
      "http_server_config:\n"
      "  http2: false\n"
      "  headers:\n"
      "    Content-Security-Policy: default-src 'self'\n"
      "    X-Frame-Options: sameorigin\n"
      "    X-Content-Type-Options: nosniff\n"
      "    X-XSS-Protection: 1\n"
      "    Strict-Transport-Security: max-age=31536000\n"
      "basic_auth_users:\n  alice: " +
          kHash + "\nrate_limit:\n  interval: 1s\n  burst: 20\n",
      "/etc/pghangd/web.yml"
  );
  const TlsServerConfig& tls = config.tls_server_config;
  EXPECT_EQ(tls.cert, "-----BEGIN\nx\n");
  EXPECT_EQ(tls.key, "k\n");
  EXPECT_EQ(tls.client_ca_file, "/etc/pghangd/ca.pem");
  EXPECT_EQ(tls.client_auth_type, ClientAuth::require_and_verify);
  EXPECT_EQ(tls.client_allowed_sans, (Lines{"prometheus", "10.0.0.1"}));
  EXPECT_EQ(tls.min_version, TlsVersion::tls13);
  EXPECT_EQ(tls.cipher_suites, (Lines{"ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"}));
  EXPECT_FALSE(tls.prefer_server_cipher_suites);
  EXPECT_EQ(tls.curve_preferences, (Lines{"P-384", "X25519"}));
  EXPECT_EQ(config.http_server_config.headers.x_frame_options, "sameorigin");
  EXPECT_EQ(config.http_server_config.headers.strict_transport_security, "max-age=31536000");
  EXPECT_EQ(config.basic_auth_users, (std::vector<NamedText>{{"alice", kHash}}));
  EXPECT_EQ(config.rate_limit, (RateLimit{std::chrono::seconds{1}, 20}));
  EXPECT_TRUE(config.has_login());
}

TEST(WebConfig, FilesAreRelativeToTheFileThatNamesThem) {
  const TlsServerConfig beside = config_of(kFiles, "/etc/web.yml").tls_server_config;
  EXPECT_EQ(beside.cert_file, "/etc/a.pem");
  EXPECT_EQ(beside.key_file, "/etc/a.key");
  EXPECT_EQ(config_of(kFiles, "web.yml").tls_server_config.cert_file, "a.pem");
  const std::string absolute = "tls_server_config: {cert_file: /c, key_file: /k}";
  EXPECT_EQ(config_of(absolute, "/etc/web.yml").tls_server_config.cert_file, "/c");
}

TEST(WebConfig, TlsIs12OrNewerUnlessToldOtherwise) {
  const TlsServerConfig tls = config_of(kFiles).tls_server_config;
  EXPECT_EQ(tls.min_version, TlsVersion::tls12);
  EXPECT_EQ(tls.max_version, TlsVersion::tls13);
  EXPECT_EQ(
      problems_of(kFiles + "  min_version: TLS11\n"),
      Lines{"f:4: tls_server_config.min_version: \"TLS11\" is not one of `TLS12`, `TLS13`; did "
            "you mean `TLS12`?"}
  );
  EXPECT_EQ(
      problems_of(kFiles + "  min_version: TLS13\n  max_version: TLS12\n"),
      Lines{"f:4: tls_server_config.min_version: is newer than max_version"}
  );
}

TEST(WebConfig, UnknownKeysAreProblems) {
  EXPECT_EQ(
      problems_of("tls_server_confg: {}\n"),
      Lines{"f:1: tls_server_confg: unknown key; did you mean `tls_server_config`?"}
  );
  EXPECT_EQ(
      problems_of("\ncert_file: a\n"),
      Lines{"f:2: cert_file: unknown key here; it belongs in `tls_server_config`"}
  );
  EXPECT_EQ(
      problems_of("http_server_config:\n  headers:\n    Server: x\n"),
      Lines{"f:3: http_server_config.headers.Server: unknown key; known are "
            "`Content-Security-Policy`, `X-Frame-Options`, `X-Content-Type-Options`, "
            "`X-XSS-Protection`, `Strict-Transport-Security`"}
  );
}

TEST(WebConfig, TlsNeedsACertificateAndItsKey) {
  EXPECT_EQ(
      problems_of("tls_server_config:\n  cert_file: a\n"),
      Lines{"f:1: tls_server_config: needs key_file or key"}
  );
  EXPECT_EQ(
      problems_of("tls_server_config:\n  key_file: a\n"),
      Lines{"f:1: tls_server_config: needs cert_file or cert"}
  );
  EXPECT_EQ(
      problems_of(kFiles + "  cert: x\n"),
      Lines{"f:4: tls_server_config.cert: is there beside cert_file"}
  );
}

TEST(WebConfig, ClientCertificatesNeedSomebodyWhoSignedThem) {
  EXPECT_EQ(
      problems_of(kFiles + "  client_auth_type: RequireAndVerifyClientCert\n"),
      Lines{"f:4: tls_server_config.client_auth_type: needs client_ca_file or client_ca"}
  );
  EXPECT_EQ(
      problems_of(kFiles + "  client_ca_file: ca.pem\n"),
      Lines{"f:4: tls_server_config.client_ca_file: is there without client_auth_type; write "
            "RequireAndVerifyClientCert"}
  );
  EXPECT_EQ(
      problems_of(kFiles + "  client_auth_type: Required\n"),
      Lines{"f:4: tls_server_config.client_auth_type: \"Required\" is not one of `NoClientCert`, "
            "`RequestClientCert`, `RequireAnyClientCert`, `RequireClientCert`, "
            "`VerifyClientCertIfGiven`, `RequireAndVerifyClientCert`"}
  );
  EXPECT_EQ(
      problems_of(
          kFiles + "  client_auth_type: RequestClientCert\n  client_allowed_sans: [prometheus]\n"
      ),
      Lines{"f:5: tls_server_config.client_allowed_sans: needs client_auth_type "
            "RequireAndVerifyClientCert or RequireAnyClientCert"}
  );
}

TEST(WebConfig, OnlyAPasswordOrAVerifiedCertificateIsALogin) {
  const auto with = [](const std::string& type) {
    const std::string ca = type.find("Verif") == std::string::npos ? "" : "  client_ca: c\n";
    return config_of(kFiles + ca + "  client_auth_type: " + type + "\n").has_login();
  };
  EXPECT_TRUE(with("RequireAndVerifyClientCert"));
  EXPECT_FALSE(with("RequireAnyClientCert"));
  EXPECT_FALSE(with("RequireClientCert"));
  EXPECT_FALSE(with("VerifyClientCertIfGiven"));
  EXPECT_FALSE(with("RequestClientCert"));
  EXPECT_TRUE(config_of("basic_auth_users: {a: " + kHash + "}").has_login());
}

TEST(WebConfig, CiphersAndCurvesAreThoseOfGo) {
  EXPECT_EQ(
      problems_of(kFiles + "  cipher_suites:\n    - TLS_RSA_WITH_RC4_128_SHA\n"),
      Lines{"f:5: tls_server_config.cipher_suites[0]: \"TLS_RSA_WITH_RC4_128_SHA\" is no cipher "
            "suite that Go's tls.CipherSuites() names"}
  );
  EXPECT_EQ(
      problems_of(kFiles + "  curve_preferences: [CurveP257]\n"),
      Lines{"f:4: tls_server_config.curve_preferences[0]: \"CurveP257\" is no curve; there are "
            "CurveP256, CurveP384, CurveP521 and X25519; did you mean `CurveP256`?"}
  );
  EXPECT_EQ(
      problems_of(kFiles + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n  max_version: TLS12\n"),
      Lines{"f:4: tls_server_config.cipher_suites: names none of TLS 1.2"}
  );
}

TEST(WebConfig, HeadersHaveTheValuesThatTheyMayHave) {
  EXPECT_EQ(
      problems_of("http_server_config:\n  headers:\n    X-Frame-Options: allow\n"),
      Lines{"f:3: http_server_config.headers.X-Frame-Options: must be deny or sameorigin"}
  );
  EXPECT_EQ(
      problems_of("http_server_config:\n  headers:\n    X-Content-Type-Options: no\n"),
      Lines{"f:3: http_server_config.headers.X-Content-Type-Options: must be nosniff"}
  );
  EXPECT_EQ(
      problems_of(
          "http_server_config:\n  headers:\n    X-XSS-Protection: \"1\\r\\nSet-Cookie: a=b\"\n"
      ),
      Lines{"f:3: http_server_config.headers.X-XSS-Protection: holds a control character"}
  );
}

TEST(WebConfig, APasswordThatIsNotHashedIsRefusedAndNotRepeated) {
  const Lines expected{
      "f:3: basic_auth_users[1]: is no bcrypt hash ($2y$10$...); make one with htpasswd -nBC 10 "
      "NAME"};
  const std::string head = "basic_auth_users:\n  bob: " + kHash + "\n  alice: ";
  for (const std::string& text :
       {std::string("hunter2"),
        kHash.substr(0, 59),
        kHash + "x",
        "$2x" + kHash.substr(3),
        "$2y$99" + kHash.substr(6),
        "$2y$10$" + std::string(53, '!')})
    EXPECT_EQ(problems_of(head + "'" + text + "'\n"), expected) << text;
  for (const char* kind : {"$2a", "$2b", "$2y"})
    EXPECT_EQ(problems_of(head + kind + kHash.substr(3) + "\n"), Lines{}) << kind;
}

TEST(WebConfig, NoProblemRepeatsASecret) {
  const std::string secret = "hunter2hunter2";
  for (const std::string& text :
       {"basic_auth_users: {alice: " + secret + "}",
        "basic_auth_users: {" + secret + ": a}",
        "basic_auth_users: [" + secret + "]",
        "basic_auth_users: " + secret,
        "basic_auth_users: {'a:b': " + secret + "}",
        "basic_auth_users:\n  alice: {password: " + secret + "}",
        "tls_server_config: {cert_file: a, key_file: b, key: " + secret + "}",
        "tls_server_config: {key: [" + secret + "]}"}) {
    const Lines lines = problems_of(text);
    EXPECT_FALSE(lines.empty()) << text;
    for (const std::string& line : lines)
      EXPECT_EQ(line.find(secret), std::string::npos) << line;
  }
}

TEST(WebConfig, AUserIsThereOnce) {
  EXPECT_EQ(
      problems_of("basic_auth_users:\n  a: " + kHash + "\n  a: " + kHash + "\n"),
      Lines{"f:3: basic_auth_users[1]: the same name is there already"}
  );
}

TEST(WebConfig, WhatIsProbablyNotMeantIsAWarning) {
  EXPECT_EQ(
      warnings_of(kFiles + "http_server_config:\n  http2: true\n"),
      Lines{"f:5: http_server_config.http2: warning: has no effect: pghangd speaks HTTP/1.1"}
  );
  EXPECT_EQ(
      warnings_of("basic_auth_users:\n  a: " + kHash + "\n"),
      Lines{"f:1: basic_auth_users: warning: without tls_server_config passwords cross the network "
            "in the clear"}
  );
  EXPECT_EQ(
      warnings_of(kFiles + "basic_auth_users:\n  a: $2y$15" + kHash.substr(6) + "\n"),
      Lines{"f:5: basic_auth_users[0]: warning: at this cost of the hash a login takes seconds"}
  );
  EXPECT_EQ(warnings_of(kFiles + "basic_auth_users:\n  a: " + kHash + "\n"), Lines{});
}

TEST(WebConfig, AHashThatTakesMinutesIsRefused) {
  EXPECT_EQ(
      problems_of("basic_auth_users:\n  a: $2y$19" + kHash.substr(6) + "\n"),
      Lines{"f:2: basic_auth_users[0]: the cost of the hash is above 18: a login would take "
            "minutes"}
  );
}

TEST(WebConfig, ALimitThatLetsNobodyThroughIsRefused) {
  EXPECT_EQ(
      problems_of("rate_limit:\n  interval: 1s\n"),
      Lines{"f:1: rate_limit: needs burst, at least 1: nobody would be answered"}
  );
  EXPECT_EQ(problems_of("rate_limit:\n  interval: 0\n"), Lines{});
}

TEST(WebConfig, WhatIsNotYamlOrCannotBeReadSaysSo) {
  EXPECT_THAT(
      problems_of("tls_server_config:\n  - [\n"),
      testing::ElementsAre(testing::HasSubstr("is not YAML"))
  );
  LoadedWebConfig missing = load_web_config("/nowhere/web.yml");
  EXPECT_EQ(
      texts(missing.problems),
      Lines{"/nowhere/web.yml: cannot be opened: No such file or directory"}
  );
}

}  // namespace
}  // namespace pghang
