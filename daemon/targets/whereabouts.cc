#include "daemon/targets/whereabouts.h"

namespace pghang {

Whereabouts::Found Whereabouts::found(const Result<Glance>& own_backend, pid_t listener) {
  Found found;
  asked_ = false;
  if (own_backend && !own_backend->gone) {
    local_ = true;
    process_ = listener != 0 ? listener : own_backend->ppid;
  } else if (own_backend) {
    found.failure = Error{Errc::not_found, "pghangd's own backend ended meanwhile"};
  } else if (own_backend.error().code == Errc::not_found) {
    local_ = false;
    why_not_ = own_backend.error().context;
  } else if (own_backend.error().code == Errc::identity_changed && listener != 0) {
    // Its socket is of a PostgreSQL process here; only our own backend could not be told apart.
    local_ = true;
    process_ = listener;
  } else {
    found.failure = own_backend.error();
  }
  found.waiting = std::exchange(waiting_, {});
  return found;
}

}  // namespace pghang
