#include "collectors/stack/debug_data.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <lzma.h>

#include <algorithm>
#include <cstddef>
#include <memory>

namespace pghang {

namespace {

constexpr std::size_t kMaxUnpacked = 64U << 20U;
constexpr std::uint64_t kMaxDecoderMemory = 128U << 20U;

int remember_name(Dwarf_Die* function, void* context) {
  Dwarf_Attribute attribute;
  const char* name = nullptr;
  if (dwarf_attr_integrate(function, DW_AT_linkage_name, &attribute) != nullptr) {
    name = dwarf_formstring(&attribute);
  }
  if (name == nullptr) name = dwarf_diename(function);
  if (name == nullptr) return DWARF_CB_OK;
  // A function with a cold part has several ranges.
  auto& names = *static_cast<PreferredNames*>(context);
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  std::ptrdiff_t next = 0;
  while ((next = dwarf_ranges(function, next, &base, &start, &end)) > 0) {
    // Assembler functions have an entry for each alias; gdb shows the last.
    names.insert_or_assign(start, name);
  }
  return DWARF_CB_OK;
}

struct DwarfEnd {
  void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
};

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

PreferredNames dwarf_function_names(int fd) {
  PreferredNames names;
  const std::unique_ptr<Dwarf, DwarfEnd> dwarf(dwarf_begin(fd, DWARF_C_READ));
  if (dwarf == nullptr) return names;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf_get_units(dwarf.get(), unit, &unit, nullptr, nullptr, &die, nullptr) == 0)
    dwarf_getfuncs(&die, remember_name, &names, 0);
  return names;
}

std::string debug_file_path(const std::string& debug_root, const std::string& build_id) {
  if (debug_root.empty() || build_id.size() < 4) return {};
  return debug_root + "/.build-id/" + build_id.substr(0, 2) + "/" + build_id.substr(2) + ".debug";
}

}  // namespace pghang
