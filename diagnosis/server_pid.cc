#include "diagnosis/server_pid.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

namespace pghang {
namespace {

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// As a number of its own, not as a part of a longer one.
bool holds_number(std::string_view text, const std::string& number) {
  for (auto at = text.find(number); at != std::string_view::npos; at = text.find(number, at + 1)) {
    const auto after = at + number.size();
    if ((at == 0 || !is_digit(text[at - 1])) && (after == text.size() || !is_digit(text[after])))
      return true;
  }
  return false;
}

bool holds_related(std::string_view command, const Capture& capture) {
  std::vector<RelatedProcess> related = capture.children;
  if (capture.tracer) related.push_back(*capture.tracer);
  if (capture.syscall && capture.syscall->fd) {
    const auto& peers = capture.syscall->fd->peers;
    related.insert(related.end(), peers.begin(), peers.end());
  }
  return std::ranges::any_of(related, [command](const RelatedProcess& process) {
    return process.pid != 0 && holds_number(command, std::to_string(process.pid));
  });
}

/// The statements among the steps; everything else is for a shell.
bool is_sql(std::string_view command) {
  return command.find("SELECT ") != std::string_view::npos;
}

}  // namespace

bool counts_apart(const Capture& capture) {
  return capture.other_namespaces.pid || server_pid(capture) != capture.key.pid;
}

pid_t server_pid(const Capture& capture) {
  return capture.ns_pid != 0 ? capture.ns_pid : capture.key.pid;
}

pid_t server_pid(const Evidence& evidence) {
  return evidence.activity ? evidence.activity->key.pid : server_pid(evidence.capture);
}

pid_t server_pid(const Capture& capture, const RelatedProcess& process) {
  return counts_apart(capture) ? process.ns_pid : process.pid;
}

pid_t server_pid(const ClusterProcess& process) {
  return process.ns_pid != 0 ? process.ns_pid : process.key.pid;
}

std::string pid_words(pid_t host, pid_t server) {
  std::string words = "pid " + std::to_string(host);
  if (server != 0 && server != host) words += " (" + std::to_string(server) + " to the server)";
  return words;
}

std::string host_pid_words(pid_t host, const Capture& capture) {
  return std::to_string(host) + (counts_apart(capture) ? " on the host" : "");
}

std::string with_other_pid(std::string command, const Capture& capture) {
  if (!counts_apart(capture)) return command;
  const std::string host = std::to_string(capture.key.pid);
  const std::string server = std::to_string(server_pid(capture));
  if (is_sql(command)) {
    if (holds_number(command, server)) command += " -- pid " + host + " on the host";
  } else if (holds_number(command, host)) {
    command += " # on the host; pid " + server + " to the server";
  } else if (holds_related(command, capture)) {
    command += " # on the host";
  }
  return command;
}

}  // namespace pghang
