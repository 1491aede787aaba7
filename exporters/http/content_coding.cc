#include "exporters/http/content_coding.h"

#include <strings.h>
#include <zlib.h>

#include <algorithm>

namespace pghang {
namespace {

/// Of 1 to 9: the sizes of /metrics with 925 series are 7.5, 7.5, 7.4, 6.8, 6.5 and 6.4 kB by the
/// first six, the times 0.21, 0.22, 0.26, 0.35, 0.40 and 0.59 ms.
constexpr int kLevel = 1;
/// 32 KiB of window, and a gzip header instead of zlib's (zlib.h, deflateInit2).
constexpr int kWindowBits = 15 + 16;
constexpr int kMemoryLevel = 8;
constexpr int kWhole = 1000;  ///< weights are thousandths

std::string_view trimmed(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// The text before `mark`; `rest` begins behind it.
std::string_view take_until(std::string_view& rest, char mark) {
  const std::size_t end = std::min(rest.find(mark), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return trimmed(taken);
}

bool same(std::string_view text, std::string_view name) {
  return text.size() == name.size() && ::strncasecmp(text.data(), name.data(), text.size()) == 0;
}

/// `0.5`, `1`, `1.000` (RFC 9110 section 12.4.2).
std::optional<int> weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int value = (text[0] - '0') * kWhole;
  int unit = kWhole / 10;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value += (digit - '0') * unit;
    unit /= 10;
  }
  return value <= kWhole ? std::optional(value) : std::nullopt;
}

/// That of `gzip;q=0.5`, behind its name.
std::optional<int> weight_of(std::string_view parameters) {
  if (parameters.empty()) return kWhole;
  const std::string_view name = take_until(parameters, '=');
  return same(name, "q") ? weight(trimmed(parameters)) : std::nullopt;
}

/// zlib's 256 KiB are kept from one body to the next: 80 kB take 162 us instead of 185.
class Deflater {
 public:
  Deflater() = default;
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  ~Deflater() {
    if (ready_) ::deflateEnd(&stream_);
  }

  /// Null: there is no memory.
  [[nodiscard]] z_stream* begin() {
    if (!ready_) {
      ready_ = ::deflateInit2(
                   &stream_,
                   kLevel,
                   Z_DEFLATED,
                   kWindowBits,
                   kMemoryLevel,
                   Z_DEFAULT_STRATEGY
               ) == Z_OK;
      return ready_ ? &stream_ : nullptr;
    }
    return ::deflateReset(&stream_) == Z_OK ? &stream_ : nullptr;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<int> gzip;
  std::optional<int> any;
  int identity = 1;  // what is not named is acceptable, and preferred to nothing
  while (!accept_encoding.empty()) {
    std::string_view one = take_until(accept_encoding, ',');
    const std::string_view name = take_until(one, ';');
    const std::optional<int> given = weight_of(one);
    if (!given) continue;
    if (same(name, "gzip") || same(name, "x-gzip")) gzip = given;
    if (name == "*") any = given;
    if (same(name, "identity")) identity = *given;
  }
  const int wanted = gzip ? *gzip : any.value_or(0);
  return wanted > 0 && wanted >= identity;
}

std::optional<std::string> gzip(std::string_view text) {
  thread_local Deflater deflater;
  z_stream* const stream = deflater.begin();
  if (stream == nullptr) return std::nullopt;
  std::string compressed(text.size(), '\0');
  // zlib reads through a pointer that is not const.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  stream->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream->avail_in = static_cast<uInt>(text.size());
  stream->next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream->avail_out = static_cast<uInt>(compressed.size());
  if (::deflate(stream, Z_FINISH) != Z_STREAM_END) return std::nullopt;
  compressed.resize(stream->total_out);
  return compressed;
}

}  // namespace pghang
