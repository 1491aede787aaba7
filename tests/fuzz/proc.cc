#include "collectors/process/file_server.h"
#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"
#include "collectors/process/sock_diag.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

void maps(std::string_view text) {
  const auto mappings = parse_maps(text);
  if (!mappings) return;
  for (const Mapping& mapping : *mappings)
    expect(mapping.start <= mapping.end, "a mapping does not end before it starts");
}

void kernel_stack(std::string_view text) {
  for (const std::string& line : parse_kernel_stack(text))
    expect(!line.empty() && line.find('\n') == std::string::npos, "a frame is a line");
}

void cmdline(std::string_view bytes) {
  const std::string title = parse_cmdline(bytes);
  expect(title.find('\0') == std::string::npos, "no NUL in a title");
}

using Parser = void (*)(std::string_view);

/// The first byte of an input is an index into this: new ones go to the end.
constexpr std::array<Parser, 17> kParsers{
    [](std::string_view text) { (void)parse_stat(text); },
    [](std::string_view text) { (void)parse_status(text); },
    maps,
    [](std::string_view text) { (void)parse_syscall(text); },
    [](std::string_view text) { (void)parse_io(text); },
    [](std::string_view text) { (void)parse_schedstat(text); },
    kernel_stack,
    cmdline,
    [](std::string_view text) { (void)parse_btime(text); },
    [](std::string_view text) { (void)parse_cgroup(text); },
    [](std::string_view text) { (void)parse_fdinfo(text); },
    [](std::string_view text) { (void)parse_mountinfo(text); },
    [](std::string_view text) { (void)parse_locks(text); },
    [](std::string_view text) { (void)parse_inet_socket(text); },
    [](std::string_view text) { (void)parse_unix_socket(text); },
    [](std::string_view text) { (void)waiting_requests(text); },
    [](std::string_view bytes) { (void)parse_unix_diag(bytes); },
};

}  // namespace

void proc(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto which = static_cast<unsigned char>(bytes.front());
  kParsers[which % kParsers.size()](bytes.substr(1));
}

}  // namespace pghang::fuzz
