#include "exporters/http/etag.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace pghang {
namespace {

constexpr std::string_view kBlank = " \t";
constexpr std::string_view kWeak = "W/";
constexpr std::uint64_t kBasis = 0xcbf29ce484222325U;
constexpr std::uint64_t kPrime = 0x100000001b3U;

void skip(std::string_view& text, std::string_view bytes) {
  text.remove_prefix(std::min(text.find_first_not_of(bytes), text.size()));
}

}  // namespace

std::string etag_of(std::string_view body) {
  std::uint64_t hash = kBasis;
  for (const char byte : body) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= kPrime;
  }
  std::array<char, 48> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "\"%016jx-%zx\"", std::uintmax_t{hash}, body.size());
  return {text.data(), static_cast<std::size_t>(size)};
}

bool none_match_fails(std::string_view if_none_match, std::string_view etag) {
  skip(if_none_match, kBlank);
  if (if_none_match.starts_with('*')) {
    if_none_match.remove_prefix(1);
    skip(if_none_match, kBlank);
    return if_none_match.empty();
  }
  while (!if_none_match.empty()) {
    if (if_none_match.starts_with(kWeak)) if_none_match.remove_prefix(kWeak.size());
    if (!if_none_match.starts_with('"')) return false;
    const std::size_t close = if_none_match.find('"', 1);
    if (close == std::string_view::npos) return false;
    if (if_none_match.substr(0, close + 1) == etag) return true;
    if_none_match.remove_prefix(close + 1);
    skip(if_none_match, kBlank);
    if (!if_none_match.empty() && !if_none_match.starts_with(',')) return false;
    skip(if_none_match, ", \t");
  }
  return false;
}

HttpResponse revalidated(HttpResponse response, std::string_view if_none_match) {
  if (response.status != 200 || response.deferred) return response;
  response.etag = etag_of(response.body);
  if (if_none_match.empty() || !none_match_fails(if_none_match, response.etag)) return response;
  response.status = 304;
  response.body.clear();
  return response;
}

}  // namespace pghang
