#include "diagnosis/wait_event_names.h"

#include <array>
#include <cstdio>

namespace pghang {
namespace {

/// utils/wait_event.h (pgstat.h before 14): PG_WAIT_LWLOCK and its neighbours.
const char* class_name(std::uint32_t wait_event_info) {
  switch (wait_event_info >> 24U) {
    case 0x01: return "LWLock";
    case 0x03: return "Lock";
    case 0x04: return "BufferPin";
    case 0x05: return "Activity";
    case 0x06: return "Client";
    case 0x07: return "Extension";
    case 0x08: return "IPC";
    case 0x09: return "Timeout";
    case 0x0A: return "IO";
    case 0x0B: return "InjectionPoint";  // 17 and later
    default: return nullptr;
  }
}

}  // namespace

std::string wait_event_class(std::uint32_t wait_event_info) {
  if (wait_event_info == 0) return {};
  const std::uint32_t event = wait_event_info & 0xFFFFU;
  if (const char* name = class_name(wait_event_info); name != nullptr)
    return std::string(name) + "/" + std::to_string(event);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%02X/%u", wait_event_info >> 24U, event);
  return text.data();
}

}  // namespace pghang
