#pragma once

#include <string>

#include "collectors/evidence/evidence.h"
#include "diagnosis/text.h"

namespace pghang {

/// The values that come from other processes: those of the cluster, and the programs and servers
/// that this one talks to. Sentences begin with a blank, and are empty where there is nothing to
/// say.
void add_cluster_values(const Evidence& evidence, text::Values& values);

/// `sh (pid 4800)`, `sleep (pid 4801) at 127.0.0.1:80`, or the address alone.
[[nodiscard]] std::string name_process(const RelatedProcess& process);
[[nodiscard]] std::string name_peer(const RelatedProcess& peer);
/// All but `self`, joined; and their pids.
[[nodiscard]] std::string name_peers(const std::vector<RelatedProcess>& peers, pid_t self);
[[nodiscard]] std::string pid_list(const std::vector<RelatedProcess>& processes, pid_t self);

}  // namespace pghang
