#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "collectors/evidence/evidence.h"
#include "config/result.h"

/// Saved evidence: one file from which the same report can be made again, on any machine.
namespace pghang {

struct Bundle {
  std::string written_by;            ///< pghangd's version
  std::int64_t saved_at_micros = 0;  ///< unix epoch
  std::string incident;              ///< the incident's id; empty for `pghangd diagnose --save`
  std::string target;                ///< the server's name in the configuration; may be empty
  std::string rule;                  ///< which rule matched; may be empty
  /// Its query text is masked. Its capture holds the stack's memory only where that was asked for.
  Evidence evidence;

  friend bool operator==(const Bundle&, const Bundle&) = default;
};

/// The format's version: the first one that a reader must know. Fields that were added since
/// (collectors/evidence/archive.h) do not raise it.
inline constexpr std::uint16_t kBundleVersion = 1;
/// Bounds of a file and of what it unpacks to: more is refused, in both directions.
inline constexpr std::size_t kMaxBundleBytes = 4UL << 20U;
inline constexpr std::size_t kMaxUnpackedBundleBytes = 16UL << 20U;
inline constexpr const char* kBundleSuffix = ".pghang";

/// Magic `PGHANGB`, NUL, version (16 bit, little-endian), then one zstd frame with checksum.
/// Errors: unsupported (larger than the bounds), io (zstd's words).
[[nodiscard]] Result<std::string> encode_bundle(const Bundle& bundle);
/// Errors: malformed (no bundle, cut short, damaged), unsupported (a later version, too large).
[[nodiscard]] Result<Bundle> decode_bundle(std::string_view bytes);

/// Writes a new file of mode 0600; appears under its name only when complete. Blocks on the disk.
/// Errors: refused (there is a file of that name), permission_denied, not_found, io.
[[nodiscard]] Result<void> write_bundle(const std::string& path, const Bundle& bundle);
/// Reads a regular file. Errors: those of decode_bundle, not_found, permission_denied, io.
[[nodiscard]] Result<Bundle> read_bundle(const std::string& path);

}  // namespace pghang
