#include "collectors/process/syscall_decoder.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <optional>

#include "collectors/process/argument_text.h"
#include "collectors/process/arguments.h"
#include "collectors/process/syscall_names.h"
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

}  // namespace

Syscall decode_syscall(const SyscallLine& line, const TargetMemory& memory) {
  Syscall decoded;
  decoded.number = line.number;
  decoded.name = syscall_name(line.number);
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

int path_base(const SyscallLine& line) {
  const CallShape* shape = find_shape(syscall_name(line.number));
  if (shape == nullptr) return AT_FDCWD;
  const auto index = find_argument(*shape, arguments::directory);
  return index ? static_cast<int>(line.args.at(*index)) : AT_FDCWD;
}

}  // namespace pghang
