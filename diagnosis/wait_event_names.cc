#include "diagnosis/wait_event_names.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string_view>

#include "diagnosis/server_version.h"

namespace pghang {
namespace {

struct Event {
  std::uint32_t word;
  std::string_view name;
};

constexpr Event k14[] = {
#include "diagnosis/wait_events_14.inc"
};
constexpr Event k15[] = {
#include "diagnosis/wait_events_15.inc"
};
constexpr Event k16[] = {
#include "diagnosis/wait_events_16.inc"
};
constexpr Event k17[] = {
#include "diagnosis/wait_events_17.inc"
};
constexpr Event k18[] = {
#include "diagnosis/wait_events_18.inc"
};

constexpr int kFirstMajor = 14;
constexpr auto kMajors = std::to_array<std::span<const Event>>({k14, k15, k16, k17, k18});

constexpr std::uint32_t kBufferPin = 0x04;
constexpr std::uint32_t kExtension = 0x07;
/// Since then an extension's event has a number of its own.
constexpr int kCustomEvents = 17;

std::span<const Event> events_of(int major) {
  const std::size_t index = static_cast<std::size_t>(std::max(major - kFirstMajor, 0));
  return major < kFirstMajor || index >= kMajors.size() ? std::span<const Event>() : kMajors[index];
}

/// utils/wait_event.h (pgstat.h before 14): PG_WAIT_LWLOCK and its neighbours.
const char* class_name(std::uint32_t wait_class) {
  switch (wait_class) {
    case 0x01: return "LWLock";
    case 0x03: return "Lock";
    case kBufferPin: return "BufferPin";
    case 0x05: return "Activity";
    case 0x06: return "Client";
    case kExtension: return "Extension";
    case 0x08: return "IPC";
    case 0x09: return "Timeout";
    case 0x0A: return "IO";
    case 0x0B: return "InjectionPoint";  // 17 and later
    default: return nullptr;
  }
}

/// The server gives every event of these classes one name.
bool has_one_name(std::uint32_t wait_class, int major) {
  return wait_class == kBufferPin || (wait_class == kExtension && major < kCustomEvents);
}

}  // namespace

std::string wait_event_name(std::uint32_t wait_event_info, int major) {
  if (wait_event_info == 0) return {};
  const std::uint32_t wait_class = wait_event_info >> 24U;
  const std::uint32_t number = wait_event_info & 0xFFFFU;
  const char* const known = class_name(wait_class);
  if (known == nullptr) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "0x%02X/%u", wait_class, number);
    return text.data();
  }
  const std::uint32_t word = wait_class << 24U | (has_one_name(wait_class, major) ? 0 : number);
  const auto events = events_of(major);
  const auto event = std::ranges::lower_bound(events, word, {}, &Event::word);
  const bool named = event != events.end() && event->word == word;
  return std::string(known) + "/" + (named ? std::string(event->name) : std::to_string(number));
}

std::string wait_event_in_memory(const Evidence& evidence) {
  if (evidence.capture.samples.empty()) return {};
  const auto& word = evidence.capture.samples.back().flags.wait_event_info;
  return word ? wait_event_name(*word, server_major(evidence)) : std::string();
}

std::string no_wait_event_because(const Evidence& evidence) {
  const Capture& capture = evidence.capture;
  if (!capture.postgres || capture.samples.empty()) return {};
  const InterruptFlags& flags = capture.samples.back().flags;
  const int major = server_major(evidence);
  // Flags that could not be read are missing by themselves.
  if (!flags.interrupt_pending || flags.wait_event_info || major == 0 || major >= kFirstMajor)
    return {};
  return "PostgreSQL " + std::to_string(major) + " exports no my_wait_event_info; 14 and later do";
}

}  // namespace pghang
