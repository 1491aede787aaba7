#include "collectors/process/syscall_decoder.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "collectors/process/argument_text.h"
#include "collectors/process/arguments.h"
#include "collectors/process/syscall_shapes.h"
#include "collectors/process/target_value.h"

namespace pghang {
namespace {

/// Where the first argument of a kind stands.
std::optional<std::size_t> find_argument(const CallShape& shape, Renderer kind) {
  const auto* const found = std::find(shape.arguments.begin(), shape.arguments.end(), kind);
  if (found == shape.arguments.end()) return std::nullopt;
  return static_cast<std::size_t>(found - shape.arguments.begin());
}

std::string joined(const std::vector<std::string>& args) {
  std::string text;
  for (const std::string& arg : args) {
    if (!text.empty()) text += ", ";
    text += arg;
  }
  return text;
}

int only_polled(const Call& call) {
  if (call.arg(1) != 1) return -1;
  const auto entry = read_value<pollfd>(call.memory, call.arg(0));
  return entry ? entry->fd : -1;
}

int only_selected(const Call& call) {
  int only = -1;
  for (const std::size_t index : {1U, 2U, 3U}) {
    if (call.arg(index) == 0) continue;
    const auto numbers = read_descriptor_set(call, index);
    if (!numbers) return -1;
    for (const int number : *numbers) {
      if (only >= 0 && only != number) return -1;
      only = number;
    }
  }
  return only;
}

std::vector<WaitedDescriptor> polled(const Call& call) {
  std::vector<WaitedDescriptor> waited;
  const auto entries = read_poll_list(call);
  if (!entries) return waited;
  for (const pollfd& entry : *entries)
    waited.push_back({entry.fd, poll_events_text(entry.events)});
  return waited;
}

std::vector<WaitedDescriptor> selected(const Call& call) {
  static constexpr std::array<std::string_view, 3> kSets{"read", "write", "except"};
  std::map<int, std::string> waited;
  for (std::size_t i = 0; i < kSets.size(); ++i) {
    if (call.arg(i + 1) == 0) continue;
    const auto numbers = read_descriptor_set(call, i + 1);
    if (!numbers) return {};
    for (const int number : *numbers) {
      std::string& events = waited[number];
      if (!events.empty()) events += '|';
      events += kSets.at(i);
    }
  }
  std::vector<WaitedDescriptor> list;
  for (auto& [number, events] : waited)
    list.push_back({number, std::move(events)});
  return list;
}

}  // namespace

Syscall decode_syscall(const SyscallLine& line, const TargetMemory& memory, SyscallTable table) {
  Syscall decoded;
  decoded.number = line.number;
  decoded.name = syscall_name(line.number, table);
  const CallShape* shape = find_shape(decoded.name);
  if (shape == nullptr) {
    decoded.text = decoded.name + "(...)";
    return decoded;
  }

  const Call call{line, memory};
  for (std::size_t i = 0; i < shape->arguments.size() && shape->arguments.at(i) != nullptr; ++i)
    if (auto text = shape->arguments.at(i)(call, i)) decoded.args.push_back(std::move(*text));
  decoded.text = decoded.name + '(' + joined(decoded.args) + ')';

  if (const auto index = find_argument(*shape, arguments::path))
    if (auto path = read_string(memory, call.arg(*index), kMaxPath))
      decoded.path = std::move(*path);
  return decoded;
}

int descriptor_argument(const SyscallLine& line) {
  const CallShape* shape = find_shape(syscall_name(line.number));
  if (shape == nullptr) return -1;
  const auto index = find_argument(*shape, arguments::descriptor);
  return index ? static_cast<int>(line.args.at(*index)) : -1;
}

int waited_descriptor(const SyscallLine& line, const TargetMemory& memory) {
  const std::string name = syscall_name(line.number);
  const Call call{line, memory};
  if (name == "poll" || name == "ppoll") return only_polled(call);
  if (name == "select" || name == "pselect6") return only_selected(call);
  return descriptor_argument(line);
}

std::vector<WaitedDescriptor>
waited_descriptors(const SyscallLine& line, const TargetMemory& memory) {
  const std::string name = syscall_name(line.number);
  const Call call{line, memory};
  std::vector<WaitedDescriptor> waited;
  if (name == "poll" || name == "ppoll") waited = polled(call);
  if (name == "select" || name == "pselect6") waited = selected(call);
  if (waited.size() < 2) waited.clear();
  return waited;
}

bool waits_for_file_lock(const SyscallLine& line) {
  const std::string name = syscall_name(line.number);
  if (name == "flock") return true;
  const auto command = static_cast<int>(line.args[1]);
  return name == "fcntl" && (command == F_SETLKW || command == F_OFD_SETLKW);
}

int path_base(const SyscallLine& line) {
  const CallShape* shape = find_shape(syscall_name(line.number));
  if (shape == nullptr) return AT_FDCWD;
  const auto index = find_argument(*shape, arguments::directory);
  return index ? static_cast<int>(line.args.at(*index)) : AT_FDCWD;
}

}  // namespace pghang
