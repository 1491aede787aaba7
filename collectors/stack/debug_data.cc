#include "collectors/stack/debug_data.h"

#include <lzma.h>

#include <algorithm>
#include <cstddef>
#include <memory>

namespace pghang {

namespace {

constexpr std::size_t kMaxUnpacked = 64U << 20U;
constexpr std::uint64_t kMaxDecoderMemory = 128U << 20U;

}  // namespace

Result<std::string> unpack_xz(std::string_view packed) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kMaxDecoderMemory, 0) != LZMA_OK) {
    return Error{Errc::io, "no memory for an xz decoder"};
  }
  const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> end(&stream, lzma_end);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::string unpacked;
  lzma_ret result = LZMA_OK;
  while (result == LZMA_OK && unpacked.size() < kMaxUnpacked) {
    const std::size_t have = unpacked.size();
    const std::size_t more = std::clamp<std::size_t>(have, 64U << 10U, kMaxUnpacked - have);
    unpacked.resize(have + more);
    stream.next_out = reinterpret_cast<std::uint8_t*>(unpacked.data() + have);
    stream.avail_out = more;
    result = lzma_code(&stream, LZMA_FINISH);
    unpacked.resize(have + more - stream.avail_out);
  }
  if (result != LZMA_STREAM_END) return Error{Errc::malformed, "damaged xz data"};
  return unpacked;
}

}  // namespace pghang
