#include "exporters/bundle/bundle.h"

#include <zstd.h>

#include <cstring>
#include <memory>

#include "collectors/evidence/archive.h"

namespace pghang {
namespace {

constexpr std::string_view kMagic{"PGHANGB\0", 8};
constexpr std::size_t kHeaderBytes = kMagic.size() + sizeof kBundleVersion;
constexpr int kLevel = 9;

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

Error zstd_error(std::size_t code) {
  return {Errc::io, std::string("zstd: ") + ZSTD_getErrorName(code)};
}

Error too_large(std::size_t size, std::size_t bound) {
  return {
      Errc::unsupported,
      "bundle of " + std::to_string(size) + " bytes, at most " + std::to_string(bound)};
}

}  // namespace

Result<std::string> encode_bundle(const Bundle& bundle) {
  std::string plain;
  archive::put(plain, bundle);
  if (plain.size() > kMaxUnpackedBundleBytes)
    return too_large(plain.size(), kMaxUnpackedBundleBytes);

  const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
  if (!context) return Error{Errc::io, "zstd: out of memory"};
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string out(kHeaderBytes + ZSTD_compressBound(plain.size()), '\0');
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  std::memcpy(out.data() + kMagic.size(), &kBundleVersion, sizeof kBundleVersion);
  const std::size_t packed = ZSTD_compress2(
      context.get(),
      out.data() + kHeaderBytes,
      out.size() - kHeaderBytes,
      plain.data(),
      plain.size()
  );
  if (ZSTD_isError(packed) != 0) return zstd_error(packed);
  out.resize(kHeaderBytes + packed);
  if (out.size() > kMaxBundleBytes) return too_large(out.size(), kMaxBundleBytes);
  return out;
}

Result<Bundle> decode_bundle(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.substr(0, kMagic.size()) != kMagic) {
    return Error{Errc::malformed, "not a pghangd bundle"};
  }
  if (bytes.size() > kMaxBundleBytes) return too_large(bytes.size(), kMaxBundleBytes);
  std::uint16_t version = 0;
  std::memcpy(&version, bytes.data() + kMagic.size(), sizeof version);
  if (version == 0 || version > kBundleVersion) {
    return Error{
        Errc::unsupported,
        "bundle of format " + std::to_string(version) + ", this pghangd knows up to " +
            std::to_string(kBundleVersion)};
  }
  bytes.remove_prefix(kHeaderBytes);
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
    return Error{Errc::malformed, "bundle is cut short or damaged"};
  }
  if (size > kMaxUnpackedBundleBytes) return too_large(size, kMaxUnpackedBundleBytes);
  std::string plain(size, '\0');
  const std::size_t unpacked =
      ZSTD_decompress(plain.data(), plain.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(unpacked) != 0 || unpacked != plain.size()) {
    return Error{Errc::malformed, "bundle is cut short or damaged"};
  }
  Bundle bundle;
  if (!archive::get(plain, bundle))
    return Error{Errc::malformed, "bundle's content does not parse"};
  return bundle;
}

}  // namespace pghang
