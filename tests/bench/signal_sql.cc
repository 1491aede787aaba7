// Prints the statement that pghangd cancels with, for window.py.
#include <cstdio>

#include "daemon/targets/postgres_ports.h"

int main() {
  std::puts(pghang::signal_sql(pghang::escalation::SignalKind::cancel).c_str());
  return 0;
}
