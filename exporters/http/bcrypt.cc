#include "exporters/http/bcrypt.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include <cstring>
#include <memory>
#include <string_view>

namespace pghang {

bool bcrypt_matches(const std::string& password, const std::string& hash) {
  // 32 KiB.
  const auto work = std::make_unique<crypt_data>();
  // Not crypt_r: AddressSanitizer has one of that name, which keeps libcrypt from being linked.
  const char* computed = crypt_rn(password.c_str(), hash.c_str(), work.get(), sizeof *work);
  const std::string_view result = computed == nullptr ? "" : computed;
  const bool equal = result.size() == hash.size() && !result.empty() && result.front() != '*' &&
                     CRYPTO_memcmp(result.data(), hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(work.get(), sizeof *work);
  return equal;
}

}  // namespace pghang
