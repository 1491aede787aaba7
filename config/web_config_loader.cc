#include "config/web_config_loader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

#include "config/document.h"
#include "config/key_lister.h"
#include "config/section_reader.h"
#include "config/tls_names.h"

namespace pghang {

/// The shape of the file, for SectionReader and KeyLister.
template <typename Visitor>
void describe(Visitor& v, TlsServerConfig& tls) {
  v.block("cert", tls.cert);
  v.block("key", tls.key);
  v.block("client_ca", tls.client_ca);
  v.text("cert_file", tls.cert_file);
  v.text("key_file", tls.key_file);
  v.choice(
      "client_auth_type",
      tls.client_auth_type,
      std::array{
          ClientAuth::none,
          ClientAuth::request,
          ClientAuth::require_any,
          ClientAuth::require_any_old_name,
          ClientAuth::verify_if_given,
          ClientAuth::require_and_verify}
  );
  v.text("client_ca_file", tls.client_ca_file);
  v.texts("client_allowed_sans", tls.client_allowed_sans);
  v.choice("min_version", tls.min_version, std::array{TlsVersion::tls12, TlsVersion::tls13});
  v.choice("max_version", tls.max_version, std::array{TlsVersion::tls12, TlsVersion::tls13});
  v.each("cipher_suites", tls.cipher_suites, &parse_cipher_suite);
  v.flag("prefer_server_cipher_suites", tls.prefer_server_cipher_suites);
  v.each("curve_preferences", tls.curve_preferences, &parse_curve);
}

template <typename Visitor>
void describe(Visitor& v, WebHeaders& headers) {
  v.text("Content-Security-Policy", headers.content_security_policy);
  v.text("X-Frame-Options", headers.x_frame_options);
  v.text("X-Content-Type-Options", headers.x_content_type_options);
  v.text("X-XSS-Protection", headers.x_xss_protection);
  v.text("Strict-Transport-Security", headers.strict_transport_security);
}

template <typename Visitor>
void describe(Visitor& v, HttpServerConfig& http) {
  v.flag("http2", http.http2);
  v.section("headers", http.headers);
}

template <typename Visitor>
void describe(Visitor& v, RateLimit& limit) {
  v.duration("interval", limit.interval, DurationRange{Duration{0}, std::chrono::hours{1}});
  v.number("burst", limit.burst, NumberRange{0, 1'000'000});
}

template <typename Visitor>
void describe(Visitor& v, WebConfig& config) {
  v.section("tls_server_config", config.tls_server_config);
  v.section("http_server_config", config.http_server_config);
  v.named_texts("basic_auth_users", config.basic_auth_users);
  v.section("rate_limit", config.rate_limit);
}

namespace {

constexpr const char* kTls = "tls_server_config.";
constexpr const char* kHeaders = "http_server_config.headers.";
constexpr const char* kUsers = "basic_auth_users";
/// A login at cost 14 takes a second or two, and twice that with each step: measured 70 ms at 10.
constexpr int kSlowCost = 14;
constexpr int kHighestCost = 18;

/// Cost of a bcrypt hash, `$2y$10$` and 53 characters; 0 when it is none.
int bcrypt_cost(std::string_view hash) {
  constexpr std::string_view kAlphabet =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const bool known =
      hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$");
  if (!known || hash.size() != 60 || hash[6] != '$') return 0;
  if (hash.substr(7).find_first_not_of(kAlphabet) != std::string_view::npos) return 0;
  int cost = 0;
  const auto [end, failed] = std::from_chars(hash.data() + 4, hash.data() + 6, cost);
  return failed == std::errc{} && end == hash.data() + 6 && cost >= 4 && cost <= 31 ? cost : 0;
}

void check_sources(const TlsServerConfig& tls, Problems& problems) {
  const auto both = [&](const std::string& text, const std::string& file, const char* key) {
    if (!text.empty() && !file.empty())
      problems.add(kTls + std::string(key), "is there beside " + std::string(key) + "_file");
  };
  both(tls.cert, tls.cert_file, "cert");
  both(tls.key, tls.key_file, "key");
  both(tls.client_ca, tls.client_ca_file, "client_ca");
  if (tls.cert.empty() && tls.cert_file.empty())
    problems.add("tls_server_config", "needs cert_file or cert");
  if (tls.key.empty() && tls.key_file.empty())
    problems.add("tls_server_config", "needs key_file or key");
}

void check_clients(const TlsServerConfig& tls, Problems& problems) {
  const ClientAuth type = tls.client_auth_type;
  const bool verifies =
      type == ClientAuth::verify_if_given || type == ClientAuth::require_and_verify;
  const bool has_ca = !tls.client_ca.empty() || !tls.client_ca_file.empty();
  if (verifies && !has_ca)
    problems.add(kTls + std::string("client_auth_type"), "needs client_ca_file or client_ca");
  if (has_ca && type == ClientAuth::none)
    problems.add(
        kTls + std::string(tls.client_ca.empty() ? "client_ca_file" : "client_ca"),
        "is there without client_auth_type; write RequireAndVerifyClientCert"
    );
  if (!tls.client_allowed_sans) return;
  const bool required = type == ClientAuth::require_and_verify || type == ClientAuth::require_any ||
                        type == ClientAuth::require_any_old_name;
  if (!required)
    problems.add(
        kTls + std::string("client_allowed_sans"),
        "needs client_auth_type RequireAndVerifyClientCert or RequireAnyClientCert"
    );
}

void check_tls(const TlsServerConfig& tls, Problems& problems) {
  if (tls.enabled()) check_sources(tls, problems);
  check_clients(tls, problems);
  if (tls.min_version > tls.max_version)
    problems.add(kTls + std::string("min_version"), "is newer than max_version");
  const bool only_13 = !tls.cipher_suites.empty() &&
                       std::ranges::all_of(tls.cipher_suites, [](const std::string& suite) {
                         return suite.starts_with("TLS_");
                       });
  if (only_13 && tls.max_version == TlsVersion::tls12)
    problems.add(kTls + std::string("cipher_suites"), "names none of TLS 1.2");
}

void check_headers(const WebHeaders& headers, Problems& problems) {
  const std::string& frame = headers.x_frame_options;
  if (!frame.empty() && frame != "deny" && frame != "sameorigin")
    problems.add(kHeaders + std::string("X-Frame-Options"), "must be deny or sameorigin");
  const std::string& type = headers.x_content_type_options;
  if (!type.empty() && type != "nosniff")
    problems.add(kHeaders + std::string("X-Content-Type-Options"), "must be nosniff");
}

/// A user's name is not shown where it may be something else: a password on the wrong side.
std::string key_of(std::size_t index) {
  return kUsers + ("[" + std::to_string(index) + "]");
}

void check_users(const std::vector<NamedText>& users, LoadedWebConfig& loaded) {
  for (std::size_t i = 0; i < users.size(); ++i) {
    const int cost = bcrypt_cost(users[i].text);
    if (users[i].name.empty() || users[i].name.find(':') != std::string::npos)
      loaded.problems.add(key_of(i), "a user's name is not empty and has no colon");
    if (cost == 0) {
      loaded.problems.add(
          key_of(i),
          "is no bcrypt hash ($2y$10$...); make one with htpasswd -nBC 10 NAME"
      );
    } else if (cost > kHighestCost) {
      loaded.problems.add(
          key_of(i),
          "the cost of the hash is above " + std::to_string(kHighestCost) +
              ": a login would take minutes"
      );
    } else if (cost > kSlowCost) {
      loaded.warnings.add(key_of(i), "warning: at this cost of the hash a login takes seconds");
    }
  }
}

void check_all(LoadedWebConfig& loaded) {
  const WebConfig& config = loaded.config;
  Problems& problems = loaded.problems;
  check_tls(config.tls_server_config, problems);
  check_headers(config.http_server_config.headers, problems);
  check_users(config.basic_auth_users, loaded);
  if (config.rate_limit.interval > Duration{0} && config.rate_limit.burst == 0)
    problems.add("rate_limit", "needs burst, at least 1: nobody would be answered");
  if (!config.basic_auth_users.empty() && !config.tls_server_config.enabled())
    loaded.warnings.add(
        kUsers,
        "warning: without tls_server_config passwords cross the network in the clear"
    );
  if (config.http_server_config.http2 == true)
    loaded.warnings.add(
        "http_server_config.http2",
        "warning: has no effect: pghangd speaks HTTP/1.1"
    );
}

/// As exporter-toolkit does.
void be_relative_to(const std::string& path, TlsServerConfig& tls) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  for (std::string* file : {&tls.cert_file, &tls.key_file, &tls.client_ca_file}) {
    if (!file->empty() && !file->starts_with('/')) *file = folder + *file;
  }
}

}  // namespace

LoadedWebConfig load_web_config(const std::string& path) {
  const auto text = read_regular_file(path);
  if (text) return parse_web_config(*text, path);
  LoadedWebConfig loaded{.config = {}, .problems = Problems(path), .warnings = Problems(path)};
  loaded.problems.add_at(0, "", text.error().context);
  return loaded;
}

LoadedWebConfig parse_web_config(std::string_view text, const std::string& path) {
  LoadedWebConfig loaded{.config = {}, .problems = Problems(path), .warnings = Problems(path)};
  const auto root = read_yaml(text, loaded.problems);
  if (!root) return loaded;
  std::vector<std::string> schema;
  KeyLister lister("", schema);
  WebConfig any;
  describe(lister, any);
  SectionReader reader({*root, "", loaded.problems}, schema);
  describe(reader, loaded.config);
  reader.finish();
  loaded.warnings.locate_like(loaded.problems);
  // What is wrong in itself would be wrong again in company.
  if (loaded.problems.empty()) check_all(loaded);
  be_relative_to(path, loaded.config.tls_server_config);
  return loaded;
}

}  // namespace pghang
