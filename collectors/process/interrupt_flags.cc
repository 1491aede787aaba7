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

struct Variable {
  std::string_view name;
  std::optional<std::int64_t> InterruptFlags::*field;
  bool is_signed = false;
};

constexpr std::string_view kWaitEvent = "my_wait_event_info";

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

/// Nothing for a width that no version of PostgreSQL gives a variable.
std::optional<std::int64_t> value_of(const Bytes& bytes, std::size_t size, bool is_signed) {
  switch (size) {
    case 1: return load<std::uint8_t>(bytes);
    case 2: return load<std::uint16_t>(bytes);
    case 4: return is_signed ? load<std::int32_t>(bytes) : std::int64_t{load<std::uint32_t>(bytes)};
    case 8: return load<std::int64_t>(bytes);
    default: return std::nullopt;
  }
}

bool has_width(std::uint64_t size) {
  return size == 1 || size == 2 || size == 4 || size == 8;
}

/// The variables as bytes, read together: between two of them the process hardly moves on.
class VariableBytes {
 public:
  void want(const VariableAddresses& addresses, std::string_view name) {
    const auto found = addresses.find(name);
    if (found == addresses.end() || !has_width(found->second.size)) return;
    ranges_.push_back({found->second.address, found->second.size});
    names_.push_back(name);
    total_ += found->second.size;
  }

  Result<void> read(const TargetMemory& memory) {
    bytes_.resize(total_);
    return ranges_.empty() ? Result<void>() : memory.read_ranges(ranges_, bytes_);
  }

  [[nodiscard]] std::optional<std::int64_t> value(std::string_view name, bool is_signed) const {
    std::size_t at = 0;
    for (std::size_t i = 0; i < names_.size(); at += ranges_[i].size, ++i) {
      if (names_[i] != name) continue;
      Bytes bytes{};
      std::memcpy(bytes.data(), bytes_.data() + at, ranges_[i].size);
      return value_of(bytes, ranges_[i].size, is_signed);
    }
    return std::nullopt;
  }

 private:
  std::vector<MemoryRange> ranges_;
  std::vector<std::string_view> names_;
  std::vector<std::byte> bytes_;
  std::size_t total_ = 0;
};

/// `my_wait_event_info` points to a uint32, in shared memory once the backend has its PGPROC.
Result<std::optional<std::uint32_t>>
read_wait_event(const TargetMemory& memory, std::optional<std::int64_t> pointer) {
  if (!pointer || *pointer == 0) return std::optional<std::uint32_t>();
  Bytes bytes{};
  const auto address = static_cast<std::uint64_t>(*pointer);
  const Result<std::size_t> got =
      memory.read(address, std::span(bytes).first(sizeof(std::uint32_t)));
  if (!got && got.error().code != Errc::io) return got.error();
  if (!got || *got != sizeof(std::uint32_t)) return std::optional<std::uint32_t>();
  return std::optional(load<std::uint32_t>(bytes));
}

}  // namespace

const std::vector<std::string_view>& interrupt_variable_names() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> all{kWaitEvent, kBackendEntry, kStatementVariable};
    all.reserve(all.size() + kVariables.size());
    for (const Variable& variable : kVariables)
      all.push_back(variable.name);
    return all;
  }();
  return kNames;
}

Result<InterruptFlags>
read_interrupt_flags(const TargetMemory& memory, const VariableAddresses& addresses) {
  VariableBytes bytes;
  for (const Variable& variable : kVariables)
    bytes.want(addresses, variable.name);
  bytes.want(addresses, kWaitEvent);
  if (const auto read = bytes.read(memory); !read) return read.error();

  InterruptFlags flags;
  for (const Variable& variable : kVariables)
    flags.*variable.field = bytes.value(variable.name, variable.is_signed);
  const auto wait_event = read_wait_event(memory, bytes.value(kWaitEvent, false));
  if (!wait_event) return wait_event.error();
  flags.wait_event_info = *wait_event;
  return flags;
}

}  // namespace pghang
