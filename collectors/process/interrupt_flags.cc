#include "collectors/process/interrupt_flags.h"

#include <array>
#include <cstring>

namespace pghang {
namespace {

using Bytes = std::array<std::byte, sizeof(std::uint64_t)>;

template <typename T>
T load(const Bytes& bytes) {
  T value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// A variable as wide as its symbol says. Nothing when it has no address, or a width that no
/// version of PostgreSQL gives it.
Result<std::optional<std::int64_t>> read_variable(
    const TargetMemory& memory,
    const VariableAddresses& addresses,
    std::string_view name,
    bool is_signed = false
) {
  const auto found = addresses.find(name);
  if (found == addresses.end()) return std::optional<std::int64_t>();
  const auto [address, size] = found->second;
  if (size != 1 && size != 2 && size != 4 && size != 8) return std::optional<std::int64_t>();

  Bytes bytes{};
  const Result<std::size_t> got = memory.read(address, std::span(bytes).first(size));
  if (!got) return got.error();
  if (*got != size) return Error{Errc::io, std::string(name) + " lies at the end of its mapping"};
  switch (size) {
    case 1: return std::optional<std::int64_t>(load<std::uint8_t>(bytes));
    case 2: return std::optional<std::int64_t>(load<std::uint16_t>(bytes));
    case 4:
      if (is_signed) return std::optional<std::int64_t>(load<std::int32_t>(bytes));
      return std::optional<std::int64_t>(load<std::uint32_t>(bytes));
    default: return std::optional<std::int64_t>(load<std::int64_t>(bytes));
  }
}

/// `my_wait_event_info` points to a uint32, in shared memory once the backend has its PGPROC.
Result<std::optional<std::uint32_t>>
read_wait_event(const TargetMemory& memory, const VariableAddresses& addresses) {
  const auto pointer = read_variable(memory, addresses, "my_wait_event_info");
  if (!pointer) return pointer.error();
  if (!*pointer || **pointer == 0) return std::optional<std::uint32_t>();

  Bytes bytes{};
  const auto address = static_cast<std::uint64_t>(**pointer);
  const Result<std::size_t> got =
      memory.read(address, std::span(bytes).first(sizeof(std::uint32_t)));
  if (!got && got.error().code != Errc::io) return got.error();
  if (!got || *got != sizeof(std::uint32_t)) return std::optional<std::uint32_t>();
  return std::optional(load<std::uint32_t>(bytes));
}

struct Variable {
  std::string_view name;
  std::optional<std::int64_t> InterruptFlags::*field;
  bool is_signed = false;
};

constexpr std::array<Variable, 11> kVariables{{
    {"InterruptPending", &InterruptFlags::interrupt_pending},
    {"QueryCancelPending", &InterruptFlags::query_cancel_pending},
    {"ProcDiePending", &InterruptFlags::proc_die_pending},
    {"InterruptHoldoffCount", &InterruptFlags::interrupt_holdoff_count},
    {"QueryCancelHoldoffCount", &InterruptFlags::query_cancel_holdoff_count},
    {"CritSectionCount", &InterruptFlags::crit_section_count},
    {"proc_exit_inprogress", &InterruptFlags::proc_exit_inprogress},
    {"ClientAuthInProgress", &InterruptFlags::client_auth_in_progress},
    {"ShutdownRequestPending", &InterruptFlags::shutdown_request_pending},
    {"MyBackendType", &InterruptFlags::my_backend_type, true},
    {"PostmasterPid", &InterruptFlags::postmaster_pid, true},
}};

}  // namespace

const std::vector<std::string_view>& interrupt_variable_names() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> all{"my_wait_event_info"};
    all.reserve(all.size() + kVariables.size());
    for (const Variable& variable : kVariables)
      all.push_back(variable.name);
    return all;
  }();
  return kNames;
}

Result<InterruptFlags>
read_interrupt_flags(const TargetMemory& memory, const VariableAddresses& addresses) {
  InterruptFlags flags;
  for (const Variable& variable : kVariables) {
    const auto value = read_variable(memory, addresses, variable.name, variable.is_signed);
    if (!value) return value.error();
    flags.*variable.field = *value;
  }
  const auto wait_event = read_wait_event(memory, addresses);
  if (!wait_event) return wait_event.error();
  flags.wait_event_info = *wait_event;
  return flags;
}

}  // namespace pghang
