#include <csignal>

#include "daemon/commands/cli.h"

int main(int argc, char** argv) {
  // A client that closes its socket early is an error code, not the end of the daemon.
  std::signal(SIGPIPE, SIG_IGN);
  return pghang::run_cli(argc, argv);
}
