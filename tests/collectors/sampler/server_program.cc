/// Looks like a release of PostgreSQL from outside: exports the variables that its executable
/// exports, each as wide, holding its number in tests/fixtures/symbols, with bytes around it that
/// are not its own. Says `ready` on its standard output and sleeps until it is killed.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

extern "C" {
/// IO, the fourth event.
[[gnu::used]] std::uint32_t pghang_test_wait_word = 0x0A00'0003;
[[gnu::used]] const char pghang_test_version[] = "postgres (PostgreSQL) " SERVER_VERSION "\n";
}

// NOLINTBEGIN(cppcoreguidelines-macro-usage): a name is an assembler symbol here
#define SYMBOL(name, size, content)                      \
  asm(".pushsection .data\n"                             \
      ".balign 8\n"                                      \
      ".fill 8, 1, 0xA5\n"                               \
      ".globl " #name                                    \
      "\n"                                               \
      ".type " #name                                     \
      ", @object\n"                                      \
      ".size " #name ", " #size "\n" #name ":\n" content \
      "\n"                                               \
      ".fill 16, 1, 0xA5\n"                              \
      ".popsection");
#define VARIABLE(name, size, value) \
  SYMBOL(name, size, ".byte " #value "\n.fill " #size " - 1, 1, 0")
#define POINTER(name) SYMBOL(name, 8, ".quad pghang_test_wait_word")
// NOLINTEND(cppcoreguidelines-macro-usage)

#include SERVER_VARIABLES

int main() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::write(STDOUT_FILENO, "ready", 5) != 5) return 1;
  for (;;)
    ::sleep(1000);  // NOLINT(concurrency-mt-unsafe): one thread
}
