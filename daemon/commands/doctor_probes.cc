#include "daemon/commands/doctor_probes.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "daemon/built_with.h"
#include "daemon/chronicle/bundle_writer.h"
#include "daemon/chronicle/incident_store.h"
#include "daemon/service/in_child.h"
#include "daemon/service/service_folder.h"
#include "exporters/http/listen_address.h"

namespace pghang::doctor {
namespace {

constexpr std::chrono::milliseconds kPatience{2000};
/// Where systemd puts what LoadCredential= of the unit names.
constexpr const char* kCredentials = "/run/credentials/pghangd.service";

std::string text_of(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::optional<int> number_of(const std::string& path) {
  const std::string text = text_of(path);
  int value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

std::string permission_bits(const std::string& file) {
  struct stat found {};

  if (::stat(file.c_str(), &found) != 0) return "0";
  return std::to_string(found.st_mode & 07777U);
}

/// Errno's text, or nothing, and on the next line how much room there is.
std::string folder_state(const std::string& path) {
  struct stat found {};

  if (::stat(path.c_str(), &found) == 0 && !S_ISDIR(found.st_mode)) {
    return std::generic_category().message(ENOTDIR) + "\n0";
  }
  if (::access(path.c_str(), W_OK | X_OK) != 0)
    return std::generic_category().message(errno) + "\n0";

  struct statvfs room {};

  if (::statvfs(path.c_str(), &room) != 0) return "\n0";
  return "\n" + std::to_string(room.f_bavail * room.f_frsize);
}

/// How much room a folder that is not there would have.
std::string room_above(std::string path) {
  while (path.size() > 1 && ::access(path.c_str(), F_OK) != 0)
    path.erase(std::max<std::size_t>(path.rfind('/'), 1));

  struct statvfs room {};

  if (::statvfs(path.c_str(), &room) != 0) return "0";
  return std::to_string(room.f_bavail * room.f_frsize);
}

/// As folder_state(), and on a third line why the file cannot be written to; `missing` there stands
/// for a folder that is not there.
std::string store_state(const std::string& folder, const std::string& file) {
  if (::access(folder.c_str(), F_OK) != 0 && errno == ENOENT)
    return std::generic_category().message(ENOENT) + '\n' + room_above(folder) + "\nmissing";
  const bool fails = ::access(file.c_str(), R_OK | W_OK) != 0 && errno != ENOENT;
  const std::string error = fails ? std::generic_category().message(errno) : "";
  return folder_state(folder) + '\n' + error;
}

/// Both lines of folder_state().
void read_folder_state(const std::string& state, FolderFacts& facts) {
  const std::size_t end = state.find('\n');
  facts.error = state.substr(0, end);
  if (end == std::string::npos) return;
  std::from_chars(state.data() + end + 1, state.data() + state.size(), facts.free_bytes);
}

/// The answer to GET /-/healthy; empty where there is none. Blocks.
std::string health(boost::asio::ip::tcp::endpoint endpoint) {
  if (endpoint.address().is_unspecified()) {
    endpoint.address(
        endpoint.address().is_v6()
            ? boost::asio::ip::address(boost::asio::ip::address_v6::loopback())
            : boost::asio::ip::address(boost::asio::ip::address_v4::loopback())
    );
  }
  boost::asio::io_context loop(1);
  boost::asio::ip::tcp::socket socket(loop);
  boost::system::error_code error;
  socket.connect(endpoint, error);
  if (error) return "";
  const std::string request =
      "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  boost::asio::write(socket, boost::asio::buffer(request), error);
  std::string answer;
  if (!error) boost::asio::read(socket, boost::asio::dynamic_buffer(answer, 4096), error);
  return answer;
}

}  // namespace

ConfigFacts probe_config(const std::string& file) {
  ConfigFacts facts;
  facts.file = file;
  if (file.empty()) {
    facts.installed = ::access(kInstalledConfig, F_OK) == 0;
    return facts;
  }
  const auto answer = in_child(
      [&file] {
        std::string mode = permission_bits(file);
        // Its first byte is read, too: a stat() may be answered from memory.
        std::ifstream(file).get();
        return mode;
      },
      kPatience
  );
  facts.answered = answer.has_value();
  if (answer) std::from_chars(answer->data(), answer->data() + answer->size(), facts.mode);
  return facts;
}

KernelFacts probe_kernel() {
  return {
      .ptrace_scope = number_of("/proc/sys/kernel/yama/ptrace_scope"),
      .kptr_restrict = number_of("/proc/sys/kernel/kptr_restrict"),
      .perf_event_paranoid = number_of("/proc/sys/kernel/perf_event_paranoid"),
      .mounts = text_of("/proc/self/mountinfo")};
}

LibraryFacts probe_libraries() {
  return {.libpq_release = libpq_release(), .built_with = built_with()};
}

AddressFacts probe_address(const std::string& address) {
  AddressFacts facts{.address = address, .error = std::nullopt, .ours = false};
  const auto parsed = parse_listen_address(address);
  if (!parsed) {
    facts.error = parsed.error();
    return facts;
  }
  boost::asio::io_context loop(1);
  const auto opened = open_acceptor(loop.get_executor(), address);
  if (opened) return facts;
  facts.error = opened.error();
  const auto answer = in_child([&parsed] { return health(parsed->endpoint); }, kPatience);
  facts.ours = answer && answer->find("pghangd is healthy") != std::string::npos;
  return facts;
}

FolderFacts probe_folder(const std::string& key, const std::string& setting) {
  FolderFacts facts;
  facts.key = key;
  facts.path = bundle_directory(setting);
  if (facts.path != setting && service_folder("STATE_DIRECTORY").empty())
    facts.path = kStateDirectory + facts.path;
  const auto answer = in_child([&facts] { return folder_state(facts.path); }, kPatience);
  facts.answered = answer.has_value();
  if (answer) read_folder_state(*answer, facts);
  return facts;
}

StoreFacts probe_store(const std::string& key, const std::string& setting) {
  StoreFacts facts;
  facts.file = store_file(setting, kStateDirectory);
  facts.by_systemd = facts.file != setting && service_folder("STATE_DIRECTORY").empty();
  facts.folder.key = key;
  facts.folder.path = facts.file.substr(0, std::max<std::size_t>(facts.file.rfind('/'), 1));
  const auto answer =
      in_child([&facts] { return store_state(facts.folder.path, facts.file); }, kPatience);
  facts.folder.answered = answer.has_value();
  if (!answer) return facts;
  read_folder_state(*answer, facts.folder);
  const std::string last = answer->substr(answer->rfind('\n') + 1);
  facts.missing = last == "missing";
  if (!facts.missing) facts.file_error = last;
  return facts;
}

std::string user_name(uid_t uid) {
  std::array<char, 4096> room{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
    return std::to_string(uid);
  return found->pw_name;
}

std::vector<std::string> unit_capabilities() {
  const auto answer = in_child(
      [] {
        std::string text;
        std::FILE* const asked = ::popen(
            "systemctl show pghangd.service --property AmbientCapabilities --value 2>/dev/null",
            "r"
        );
        if (asked == nullptr) return text;
        for (int letter = std::fgetc(asked); letter != EOF; letter = std::fgetc(asked))
          text += static_cast<char>(letter);
        ::pclose(asked);
        return text;
      },
      kPatience
  );
  std::istringstream words(answer.value_or(""));
  std::vector<std::string> names;
  for (std::string name; words >> name;)
    names.push_back(name);
  if (names.empty()) names = {"cap_sys_ptrace", "cap_dac_read_search", "cap_sys_nice"};
  return names;
}

void assume_credentials() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet
  if (::access(kCredentials, F_OK) == 0) ::setenv("CREDENTIALS_DIRECTORY", kCredentials, 0);
}

std::uint64_t capabilities_of(pid_t child) {
  std::istringstream lines(text_of("/proc/" + std::to_string(child) + "/status"));
  const std::string key = "CapEff:\t";
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key)) continue;
    std::uint64_t value = 0;
    std::from_chars(line.data() + key.size(), line.data() + line.size(), value, 16);
    return value;
  }
  return 0;
}

}  // namespace pghang::doctor
