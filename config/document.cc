#include "config/document.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "config/encoding.h"

namespace pghang {

namespace {

Error failure(const char* what, int error) {
  return {
      .code = Errc::io,
      .context = std::string(what) + ": " + std::generic_category().message(error)};
}

Result<std::string> read_all(int fd) {
  struct stat status {};

  if (fstat(fd, &status) != 0) return failure("cannot be read", errno);
  if (!S_ISREG(status.st_mode)) return Error{.code = Errc::io, .context = "is not a regular file"};
  std::string text;
  std::array<char, 16384> chunk{};
  while (text.size() <= kLargestFile) {
    const ssize_t got = read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("cannot be read", errno);
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

Result<std::string> read_regular_file(const std::string& path) {
  // O_NONBLOCK: opening a FIFO would wait for its writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failure("cannot be opened", errno);
  auto text = read_all(fd);
  close(fd);
  return text;
}

std::optional<YamlNode> read_yaml(std::string_view text, Problems& problems) {
  if (text.size() > kLargestFile) {
    problems.add_at(0, "", "is larger than 1 MiB");
  } else if (const auto bad = find_bad_byte(text)) {
    problems.add_at(bad->line, "", bad->why);
  } else {
    YamlNode root = parse_yaml(text, problems);
    if (problems.empty()) return root;
  }
  return std::nullopt;
}

}  // namespace pghang
