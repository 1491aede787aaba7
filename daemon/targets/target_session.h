#pragma once

#include <sys/types.h>

#include <cstdint>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collectors/evidence/glance.h"
#include "collectors/postgres/connection.h"
#include "config/settings.h"
#include "daemon/targets/postgres_enforcer_lock.h"
#include "daemon/targets/postgres_ports.h"
#include "daemon/targets/target_monitor.h"
#include "daemon/targets/whereabouts.h"

namespace pghang {

/// One server: its connection and what works over it, in order of dependency.
struct TargetSession {
  Connection connection;
  PostgresActivitySource activity;
  PostgresSignaller signaller;
  PostgresLockSource locks;
  PostgresEnforcerLock enforcer_lock;
  TargetMonitor monitor;
  Target target;
  std::uint64_t number;  ///< a target of the same name may be another server after a reload
  boost::asio::steady_timer pause;
  Whereabouts whereabouts;
  boost::asio::steady_timer next_look;   ///< at its processes
  pid_t located_by = 0;                  ///< our own backend there
  std::int64_t connected_at_micros = 0;  ///< shortly before that one began, unix epoch
  bool polled = false;
  bool retired = false;
  unsigned loops = 0;  ///< that still run

  /// `settings`: of this target, settings_for(). References outlive it.
  TargetSession(
      const boost::asio::any_io_executor& executor,
      const Target& target_arg,
      const Settings& settings,
      std::uint64_t number_arg,
      Chronicle& chronicle,
      TargetMonitor::SubmitCapture submit,
      TargetMonitor::SubmitLook look
  );

  /// A process of the server, of this host; 0: none is known.
  [[nodiscard]] pid_t server_process() const;
  /// To find our own backend by.
  [[nodiscard]] sampler::GlanceRequest own_backend() const;
};

}  // namespace pghang
