#include "daemon/doctor_probes.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <system_error>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "daemon/built_with.h"
#include "daemon/bundle_writer.h"
#include "daemon/in_child.h"
#include "daemon/service_folder.h"
#include "exporters/http/listen_address.h"

namespace pghang::doctor {
namespace {

constexpr std::chrono::milliseconds kPatience{2000};

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
    facts.path = "/var/lib/pghangd" + facts.path;
  const auto answer = in_child([&facts] { return folder_state(facts.path); }, kPatience);
  facts.answered = answer.has_value();
  if (!answer) return facts;
  const std::size_t end = answer->find('\n');
  facts.error = answer->substr(0, end);
  if (end == std::string::npos) return facts;
  std::from_chars(answer->data() + end + 1, answer->data() + answer->size(), facts.free_bytes);
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
