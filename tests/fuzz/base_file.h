#pragma once

#include <string>
#include <vector>

#include "tests/fuzz/input.h"

namespace pghang::fuzz {

/// A right file of a binary format, which a fuzzer's bytes say how to damage. So they stay few, and
/// what they change is content.
struct BaseFile {
  std::string bytes;
  std::vector<std::size_t> content;  ///< offsets of the bytes that are not zero

  explicit BaseFile(std::string all);
};

/// tests/fuzz/base/NAME.xz.
[[nodiscard]] BaseFile base_file(const std::string& name);

/// Takes changes off `input` until it ends: where (a byte of content), how many, and which bytes.
[[nodiscard]] std::string damaged(const BaseFile& base, Input& input);

/// The bytes of one such change.
void put_change(Output& out, std::uint16_t where, std::string_view bytes);

}  // namespace pghang::fuzz
