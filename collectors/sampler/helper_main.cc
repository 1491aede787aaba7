#include "collectors/sampler/helper_main.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "collectors/sampler/debug_fetcher.h"
#include "collectors/sampler/helper_filters.h"
#include "collectors/sampler/memory_lock.h"
#include "collectors/sampler/worker.h"

namespace pghang::sampler {
namespace {

constexpr int kExitUsage = 64;

bool is_packet_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

}  // namespace

int run_helper(const HelperHooks& hooks, const KeeperOptions& options) {
  if (!is_packet_socket(kKeeperSocket)) {
    std::fputs("pghangd-sampler: started by pghangd only\n", stderr);
    return kExitUsage;
  }
  become_keeper(kKeeperSocket);
  // The daemon has the same limit, and tells when it does not suffice.
  static_cast<void>(lock_memory());
  const bool downloads = DebugFetcher::timeout_from_environment().count() > 0;
  const HelperFilters filters = compile_helper_filters(downloads, hooks.interfere);
  narrow_to(filters.keeper);
  const WorkerMain worker = [&hooks, &filters](UniqueFd keeper) {
    ::_exit(run_worker(std::move(keeper), hooks, filters));
  };
  return run_keeper(UniqueFd(kKeeperSocket), worker, options);
}

}  // namespace pghang::sampler
