#include "collectors/stack/call_site.h"

#include <array>

#include "collectors/stack/elf_image.h"

namespace pghang {

namespace {

constexpr std::size_t kLongestCall = 7;

unsigned byte_at(std::string_view code, std::size_t index) {
  return static_cast<unsigned char>(code[index]);
}

/// Length of an FF /2 instruction with this ModRM and SIB byte; 0 when it is another instruction.
std::size_t indirect_call_length(unsigned modrm, unsigned sib) {
  if ((modrm >> 3U & 7U) != 2) return 0;
  const unsigned mod = modrm >> 6U;
  const unsigned rm = modrm & 7U;
  constexpr unsigned sib_follows = 4;
  constexpr unsigned without_base = 5;
  const std::size_t base = mod != 3 && rm == sib_follows ? 3 : 2;
  if (mod == 1) return base + 1;
  if (mod == 2) return base + 4;
  if (mod == 0 && (rm == without_base || (rm == sib_follows && (sib & 7U) == without_base)))
    return base + 4;
  return base;
}

std::uint64_t displaced(std::uint64_t address, std::string_view field) {
  const auto displacement = record_at<std::int32_t>(field, 0);
  return address + static_cast<std::uint64_t>(std::int64_t{displacement.value_or(0)});
}

}  // namespace

CallSite call_before(const AddressLayout& layout, std::uint64_t return_address) {
  if (return_address < kLongestCall) return {};
  const CodePlace place = layout.at(return_address - 1);
  if (place.module == nullptr || !place.mapping->executable) return {};
  const std::string_view code =
      place.module->bytes_at(return_address - place.bias - kLongestCall, kLongestCall);
  if (code.size() != kLongestCall) return {};

  constexpr unsigned call_relative = 0xe8;
  constexpr std::size_t relative_length = 5;
  const std::string_view relative = code.substr(kLongestCall - relative_length);
  if (byte_at(relative, 0) == call_relative) {
    return {CallSite::Kind::direct, displaced(return_address, relative.substr(1))};
  }
  constexpr unsigned group5 = 0xff;
  constexpr unsigned call_rip = 0x15;
  for (std::size_t length = 2; length <= kLongestCall; ++length) {
    const std::string_view call = code.substr(kLongestCall - length);
    if (byte_at(call, 0) != group5) continue;
    const unsigned sib = length > 2 ? byte_at(call, 2) : 0;
    if (indirect_call_length(byte_at(call, 1), sib) != length) continue;
    if (byte_at(call, 1) == call_rip) {
      return {CallSite::Kind::slot, displaced(return_address, call.substr(2))};
    }
    return {CallSite::Kind::indirect, 0};
  }
  return {};
}

bool calls(const AddressLayout& layout, const CallSite& site, std::uint64_t function) {
  if (site.kind == CallSite::Kind::direct && site.target == function) return true;
  if (site.kind != CallSite::Kind::direct && site.kind != CallSite::Kind::slot) return false;
  const CodePlace stub = layout.at(site.target);
  const CodePlace callee = layout.at(function);
  if (stub.module == nullptr || callee.module == nullptr) return false;
  const std::uint64_t address = site.target - stub.bias;
  const std::string_view name = site.kind == CallSite::Kind::direct
                                    ? stub.module->import_of_stub(address)
                                    : stub.module->import_of_slot(address);
  return !name.empty() && callee.module->exports(name, function - callee.bias);
}

}  // namespace pghang
