#include "collectors/stack/server_version.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace pghang {
namespace {

constexpr std::string_view kBefore = "postgres (PostgreSQL) ";
constexpr std::size_t kLongest = 16;

/// Libraries have none, but for the C library.
bool has_interpreter(const ElfImage& image) {
  const auto& segments = image.segments();
  return std::any_of(segments.begin(), segments.end(), [](const Elf64_Phdr& segment) {
    return segment.p_type == PT_INTERP;
  });
}

bool is_part(char c) {
  return c == '.' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

std::string find_server_version(const ElfImage& image) {
  const Elf64_Shdr* constants = has_interpreter(image) ? image.section(".rodata") : nullptr;
  if (constants == nullptr) return {};
  std::string_view text = image.section_bytes(*constants);
  const auto at = text.find(kBefore);
  if (at == std::string_view::npos) return {};
  text = text.substr(at + kBefore.size(), kLongest);
  const auto* const end = std::find_if_not(text.begin(), text.end(), is_part);
  const std::string version(text.begin(), end);
  const bool begins = !version.empty() && std::isdigit(static_cast<unsigned char>(version[0])) != 0;
  return begins && end != text.end() ? version : std::string();
}

}  // namespace pghang
