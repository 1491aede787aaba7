// Prints the statement that pghangd polls with, for a server_version_num.
#include <cstdio>
#include <cstdlib>

#include "collectors/postgres/activity_collector.h"

int main(int count, char** arguments) {
  if (count != 2) return EXIT_FAILURE;
  std::puts(pghang::activity_sql(std::atoi(arguments[1])).c_str());
  return EXIT_SUCCESS;
}
