#include "collectors/process/procfs.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "collectors/process/file_text.h"
#include "config/unique_fd.h"

namespace pghang {
namespace {

constexpr std::size_t kMaxLink = 4096;  // d_path() has one page

std::optional<pid_t> numeric_name(const std::string& name) {
  pid_t pid = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, pid);
  if (error != std::errc{} || stop != end || pid <= 0) return std::nullopt;
  return pid;
}

Result<std::string> link_text(const std::string& path) {
  std::string text(kMaxLink, '\0');
  const ssize_t length = ::readlink(path.c_str(), text.data(), text.size());
  if (length < 0) return system_error(errno, path);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::directory_iterator entries(path, error);
  std::vector<std::string> names;
  while (!error && entries != std::filesystem::directory_iterator{}) {
    names.push_back(entries->path().filename().string());
    entries.increment(error);
  }
  if (error) return system_error(error.value(), path);
  return names;
}

}  // namespace

ProcFs::ProcFs(std::string root, std::string sys) : root_(std::move(root)), sys_(std::move(sys)) {}

Result<std::string> ProcFs::read(pid_t pid, const std::string& name, std::size_t limit) const {
  return read_text_file(root_ + '/' + std::to_string(pid) + '/' + name, limit);
}

Result<std::vector<ProcFs::Link>> ProcFs::links(pid_t pid, const std::string& name) const {
  const std::string path = root_ + '/' + std::to_string(pid) + '/' + name;
  const Result<std::vector<std::string>> names = list_directory(path);
  if (!names) return names.error();
  // One walk to the directory instead of one per link: a backend has hundreds.
  const UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return system_error(errno, path);

  std::vector<Link> found;
  std::array<char, kMaxLink> text{};
  for (const std::string& entry : *names) {
    const ssize_t length = ::readlinkat(directory.get(), entry.c_str(), text.data(), text.size());
    if (length < 0 && errno != ENOENT) return system_error(errno, path);
    if (length >= 0)
      found.push_back({entry, std::string(text.data(), static_cast<std::size_t>(length))});
  }
  return found;
}

Result<std::string> ProcFs::link(pid_t pid, const std::string& name) const {
  return link_text(root_ + '/' + std::to_string(pid) + '/' + name);
}

Result<std::vector<std::string>> ProcFs::list(pid_t pid, const std::string& name) const {
  return list_directory(root_ + '/' + std::to_string(pid) + '/' + name);
}

Result<std::vector<pid_t>> ProcFs::pids() const {
  const Result<std::vector<std::string>> names = list_directory(root_);
  if (!names) return names.error();
  std::vector<pid_t> found;
  for (const std::string& name : *names)
    if (const std::optional<pid_t> pid = numeric_name(name)) found.push_back(*pid);
  return found;
}

Result<std::string> ProcFs::read_global(const std::string& name, std::size_t limit) const {
  return read_text_file(root_ + '/' + name, limit);
}

Result<std::string> ProcFs::read_sys(const std::string& name) const {
  return read_text_file(sys_ + '/' + name, kMaxLink);
}

Result<std::string> ProcFs::sys_link(const std::string& name) const {
  return link_text(sys_ + '/' + name);
}

Result<std::vector<std::string>> ProcFs::list_sys(const std::string& name) const {
  return list_directory(sys_ + '/' + name);
}

}  // namespace pghang
