#include "diagnosis/server_version.h"

#include <charconv>

namespace pghang {
namespace {

constexpr int kVersionFactor = 10'000;  ///< server_version_num of 15.12 is 150012

std::optional<PgVersion> parse(const std::string& text) {
  PgVersion version{};
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, version.major);
  if (error != std::errc{} || version.major <= 0) return std::nullopt;
  if (after != end && *after == '.') std::from_chars(after + 1, end, version.minor);
  return version;
}

}  // namespace

std::string server_version(const Evidence& evidence) {
  if (evidence.server && !evidence.server->version.empty()) return evidence.server->version;
  return evidence.capture.server_version;
}

std::optional<PgVersion> server_release(const Evidence& evidence) {
  if (evidence.server && evidence.server->version_num > 0) {
    const int number = evidence.server->version_num;
    return PgVersion{.major = number / kVersionFactor, .minor = number % kVersionFactor};
  }
  return parse(server_version(evidence));
}

int server_major(const Evidence& evidence) {
  const auto release = server_release(evidence);
  return release ? release->major : 0;
}

}  // namespace pghang
