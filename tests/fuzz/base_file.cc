#include "tests/fuzz/base_file.h"

#include "tests/collectors/stack/fixture.h"

namespace pghang::fuzz {
namespace {

constexpr std::size_t kMaxChanged = 16;

}  // namespace

BaseFile::BaseFile(std::string all) : bytes(std::move(all)) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != '\0') content.push_back(i);
}

BaseFile base_file(const std::string& name) {
  BaseFile file(test::unpacked_file(PGHANG_SOURCE_DIR "/tests/fuzz/base/" + name + ".xz"));
  expect(!file.content.empty(), "the base file is there");
  return file;
}

std::string damaged(const BaseFile& base, Input& input) {
  std::string bytes = base.bytes;
  while (!input.at_end()) {
    const std::size_t at = base.content[input.below(base.content.size())];
    const std::string_view change =
        input.take_bytes(input.number<std::uint8_t>() % kMaxChanged + 1);
    const std::size_t size = std::min(change.size(), bytes.size() - at);
    bytes.replace(at, size, change.substr(0, size));
  }
  return bytes;
}

void put_change(Output& out, std::uint16_t where, std::string_view bytes) {
  out.number(where);
  out.number(static_cast<std::uint8_t>(bytes.size() - 1));
  out.bytes(bytes);
}

}  // namespace pghang::fuzz
