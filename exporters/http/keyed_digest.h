#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

namespace pghang {

/// HMAC-SHA-256 with a key of this process, from the kernel: what is remembered by it says nothing
/// to whoever does not have the key. A process that the kernel gives no random bytes ends.
class KeyedDigest {
 public:
  KeyedDigest();

  /// 32 bytes; other parts, and parts cut elsewhere, give others.
  [[nodiscard]] std::string of(std::initializer_list<std::string_view> parts) const;

 private:
  std::array<unsigned char, 32> key_{};
};

}  // namespace pghang
