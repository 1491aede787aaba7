#include "tests/collectors/postgres/cluster.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace pghang::tests {
namespace {

const std::string kScript = PGHANG_SOURCE_DIR "/scripts/cluster";

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "re");
  if (pipe == nullptr) return output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
    output += static_cast<char>(c);
  return pclose(pipe) == 0 ? output : std::string();
}

}  // namespace

Cluster::Cluster() {
  std::istringstream lines(output_of(kScript + " start"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) values_[line.substr(0, equals)] = line.substr(equals + 1);
  }
}

Cluster::~Cluster() {
  if (running() && !succeeds(kScript + " stop --immediate " + value("DIR"))) {
    std::fprintf(stderr, "%s could not be stopped\n", value("DIR").c_str());
  }
}

pid_t Cluster::postmaster() const {
  pid_t pid = 0;
  std::ifstream(value("PGDATA") + "/postmaster.pid") >> pid;
  return pid;
}

bool Cluster::control(const std::string& action) const {
  const std::string as_server =
      geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --init-groups -- " : "";
  return succeeds(
      "cd / && " + as_server + value("BINDIR") + "/pg_ctl -s -w -D " + value("PGDATA") + " -l " +
      value("DIR") + "/log " + action + " </dev/null >/dev/null"
  );
}

std::string Cluster::dsn(const std::string& user) const {
  return "host=" + value("PGHOST") + " port=" + value("PGPORT") + " dbname=postgres user=" + user;
}

std::string Cluster::tcp_dsn(const std::string& user) const {
  return "host=127.0.0.1 port=" + value("PGPORT") + " dbname=postgres user=" + user;
}

bool succeeds(const std::string& command) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): tests run one at a time
  return std::system(command.c_str()) == 0;
}

}  // namespace pghang::tests
