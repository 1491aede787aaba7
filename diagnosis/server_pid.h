#pragma once

#include <string>

#include "collectors/evidence/evidence.h"

/// Which pid is which: SQL and process titles say a process's pid as the server's pid namespace
/// counts, /proc and kill(1) say it as this host does. Outside containers the two are one.
namespace pghang {

/// Whether the server counts its processes otherwise than this host.
[[nodiscard]] bool counts_apart(const Capture& capture);

/// The pid by which the server knows the captured process.
[[nodiscard]] pid_t server_pid(const Capture& capture);
[[nodiscard]] pid_t server_pid(const Evidence& evidence);
/// The same of another process in a capture; 0: the server does not see it.
[[nodiscard]] pid_t server_pid(const Capture& capture, const RelatedProcess& process);
[[nodiscard]] pid_t server_pid(const ClusterProcess& process);

/// `pid 4711`, and where the server says otherwise `pid 4711 (57 to the server)`.
[[nodiscard]] std::string pid_words(pid_t host, pid_t server);

/// `4711`, beside a pid that the server counts: `4711 on the host` where it counts otherwise.
[[nodiscard]] std::string host_pid_words(pid_t host, const Capture& capture);

/// `command`, which holds the pid of the captured process or of one that matters to it, with a
/// comment that says who counts so. As it was where both count alike, and where it holds no pid.
[[nodiscard]] std::string with_other_pid(std::string command, const Capture& capture);

}  // namespace pghang
