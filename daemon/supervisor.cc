#include "daemon/supervisor.h"

#include <algorithm>
#include <csignal>
#include <exception>
#include <random>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "collectors/postgres/connection.h"
#include "daemon/bundle_writer.h"
#include "daemon/capture_desk.h"
#include "daemon/chronicle.h"
#include "daemon/config_reloader.h"
#include "daemon/logger.h"
#include "daemon/postgres_ports.h"
#include "daemon/service_reporter.h"
#include "daemon/target_monitor.h"
#include "daemon/version.h"
#include "exporters/api.h"
#include "exporters/http_server.h"

namespace pghang {
namespace {

using boost::asio::as_tuple;
using boost::asio::awaitable;
using boost::asio::use_awaitable;
using Clock = std::chrono::steady_clock;

constexpr Duration kSamplerStatsInterval{std::chrono::seconds{5}};
constexpr Duration kSamplerStatsDeadline{std::chrono::seconds{1}};

std::int64_t wall_clock() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
}

std::string without(const std::vector<std::string>& capabilities) {
  std::string names;
  for (const std::string& name : capabilities)
    names += (names.empty() ? "captures see less without " : ", ") + name;
  return names;
}

/// One server: its connection and what works over it, in order of dependency.
struct TargetSession {
  Connection connection;
  PostgresActivitySource activity;
  PostgresSignaller signaller;
  PostgresLockSource locks;
  TargetMonitor monitor;
  pid_t prewarmed = 0;  ///< our own backend there
  pid_t learnt = 0;     ///< a process of the server, of this host, where the connection tells none

  [[nodiscard]] pid_t server_process() const {
    return connection.server_process() != 0 ? connection.server_process() : learnt;
  }

  /// Its postmaster, or our own backend there: both have mapped what every backend maps.
  [[nodiscard]] sampler::PrewarmRequest to_prewarm() const {
    if (const pid_t server = server_process(); server != 0) return {.pid = server};
    return {.pid = connection.backend_pid(), .server_pid = true};
  }

  TargetSession(
      const boost::asio::any_io_executor& executor,
      const Target& target,
      const Settings& settings,
      Chronicle& chronicle,
      TargetMonitor::SubmitCapture submit
  )
      : connection(executor, target, settings.polling),
        activity(connection, settings.polling, filter_for(settings)),
        signaller(connection, settings.polling.statement_timeout),
        locks(connection, settings.polling.statement_timeout),
        monitor(target.name, settings, activity, signaller, locks, chronicle, std::move(submit)) {}
};

}  // namespace

struct Supervisor::Impl {
  boost::asio::io_context& loop;
  Settings settings;
  RunOptions options;
  sampler::SamplerClient& sampler;
  Logger& log;
  View view;
  ServiceReporter service;
  Metrics metrics{version()};
  Chronicle chronicle;
  CaptureDesk desk;
  BundleWriter bundles;
  ConfigReloader reloader;
  std::vector<std::unique_ptr<TargetSession>> targets;
  std::unique_ptr<HttpServer> http;
  std::size_t polled_once = 0;
  int exit_code = 0;

  Impl(
      boost::asio::io_context& loop_arg,
      Configuration config,
      RunOptions options_arg,
      sampler::SamplerClient& sampler_arg,
      Logger& log_arg
  )
      : loop(loop_arg),
        settings(std::move(config.settings)),
        options(std::move(options_arg)),
        sampler(sampler_arg),
        log(log_arg),
        service(std::move(options.service), view, without(options.missing_capabilities)),
        chronicle(view, metrics, log, settings.incidents, wall_clock),
        desk(
            loop.get_executor(),
            sampler,
            settings.sampling,
            [this](const CaptureJob& job, Result<Capture> result, Clock::duration took) {
              capture_done(job, std::move(result), took);
            }
        ),
        bundles(
            loop.get_executor(),
            settings.bundle,
            [this](const std::string& result, const std::string& context) {
              chronicle.bundle_saved(result, context);
            }
        ),
        reloader(loop.get_executor(), options.config_file) {
    chronicle.know(config.signatures);
    view.version = version();
    if (bundles.enabled()) {
      desk.keep_snapshots(settings.bundle.stack_memory);
      chronicle.save_bundles_with([this](std::string name, Bundle bundle) {
        bundles.submit(std::move(name), std::move(bundle));
      });
    }
    view.started_at_micros = wall_clock();
    for (const Target& target : settings.targets) {
      TargetView& published = view.targets.emplace_back();
      published.name = target.name;
      published.dsn = safe_dsn(target.dsn);
      targets.push_back(std::make_unique<TargetSession>(
          loop.get_executor(),
          target,
          settings,
          chronicle,
          [this, name = target.name](const escalation::CaptureOrder& order) { submit(name, order); }
      ));
    }
    publish_mode();
  }

  void publish_mode() { view.mode = settings.mode == Mode::enforce ? "enforce" : "observe"; }

  void stop(int code) {
    exit_code = code;
    loop.stop();
  }

  [[nodiscard]] TargetSession* session_of(const std::string& target) {
    const auto found = std::ranges::find_if(targets, [&](const auto& session) {
      return session->monitor.target() == target;
    });
    return found == targets.end() ? nullptr : found->get();
  }

  void submit(const std::string& target, const escalation::CaptureOrder& order) {
    const TargetSession* session = session_of(target);
    desk.submit(CaptureJob{target, order, session == nullptr ? 0 : session->server_process()});
  }

  void capture_done(const CaptureJob& job, Result<Capture> result, Clock::duration took) {
    TargetSession* session = session_of(job.target);
    if (session == nullptr) return;
    if (result && result->postgres) session->learnt = result->ppid;
    session->monitor.capture_done(job.order, std::move(result), took);
  }

  awaitable<void> poll_forever(TargetSession& session) {
    boost::asio::steady_timer timer(loop);
    std::minstd_rand random(std::random_device{}());
    unsigned failures = 0;
    bool first = true;
    for (;;) {
      const Clock::time_point started = Clock::now();
      const bool answered = co_await session.monitor.poll_once();
      failures = answered ? 0 : failures + 1;
      const pid_t own_backend = session.connection.backend_pid();
      if (answered && std::exchange(session.prewarmed, own_backend) != own_backend) {
        session.learnt = 0;  // another connection, perhaps to another server
        desk.prewarm(session.to_prewarm());
      }
      if (std::exchange(first, false) && ++polled_once == targets.size()) view.ready = true;
      Clock::time_point next = started + settings.polling.interval;
      if (!answered) {
        const double random01 = std::uniform_real_distribution<double>()(random);
        next = Clock::now() + reconnect_delay(failures, settings.polling.reconnect_max, random01);
      }
      timer.expires_at(std::max(next, Clock::now()));
      co_await timer.async_wait(as_tuple(use_awaitable));
    }
  }

  awaitable<void> watch_sampler() {
    boost::asio::steady_timer timer(loop);
    for (;;) {
      if (const auto stats = co_await sampler.stats(kSamplerStatsDeadline)) {
        metrics.sampler(stats->worker_restarts, stats->abandoned);
      }
      timer.expires_after(kSamplerStatsInterval);
      co_await timer.async_wait(as_tuple(use_awaitable));
    }
  }

  awaitable<void> end_with_keeper() {
    co_await sampler.wait_keeper_exit();
    log.error(
        "keeper_ended",
        {{"consequence", "the daemon ends too; systemd restarts both with fresh capabilities"}}
    );
    stop(1);
  }

  awaitable<void> serve_unix_signals() {
    boost::asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
    for (;;) {
      const auto [error, number] = co_await signals.async_wait(as_tuple(use_awaitable));
      if (error) co_return;
      if (number != SIGHUP) {
        log.info("stopping", {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
        service.stopping();
        stop(0);
        co_return;
      }
      start_reload();
    }
  }

  /// Reads the file on a thread of its own: it may lie on the disk that hangs.
  std::string start_reload() {
    const bool started = reloader.start([this](Configuration loaded) {
      finish_reload(std::move(loaded));
      service.reloaded();
    });
    if (started) service.reloading();
    return started ? "" : "a reload is still reading the configuration file";
  }

  void finish_reload(Configuration loaded) {
    view.config_last_reload_successful = loaded.ok();
    if (!loaded.ok()) {
      for (const ConfigProblem& problem : loaded.problems) {
        log.error("reload_failed", {{"problem", to_string(problem)}});
      }
      log.warn("reload_kept_old_configuration");
      return;
    }
    Settings fresh = std::move(loaded.settings);
    if (options.override_settings) options.override_settings(fresh);
    if (fresh.targets != settings.targets || fresh.web != settings.web ||
        fresh.log.format != settings.log.format || fresh.incidents != settings.incidents ||
        fresh.bundle != settings.bundle || fresh.symbols != settings.symbols) {
      log.warn(
          "reload_partial",
          {{"not_applied", "targets, web, log.format, incidents, bundle, symbols: at restart"}}
      );
      fresh.targets = settings.targets;
      fresh.web = settings.web;
      fresh.log.format = settings.log.format;
      fresh.incidents = settings.incidents;
      fresh.bundle = settings.bundle;
      fresh.symbols = settings.symbols;
    }
    settings = std::move(fresh);
    chronicle.know(loaded.signatures);
    log.set_level(settings.log.level);
    desk.configure(settings.sampling);
    for (const auto& session : targets) {
      session->activity.configure(settings.polling, filter_for(settings));
      session->monitor.reconfigure(settings);
    }
    publish_mode();
    log.info("reloaded", {{"mode", view.mode}, {"rules", std::to_string(settings.rules.size())}});
  }

  bool cannot_listen(const Error& error) {
    log.error("listen_failed", {{"error", error.context}});
    service.failed(error.context);
    return false;
  }

  bool listen() {
    Api api{view, metrics, settings.web.telemetry_path, {}};
    if (settings.web.enable_lifecycle)
      api.reload = [this] {
        return start_reload();
      };
    const bool adopts = !options.sockets.empty();
    auto server = HttpServer::start(
        loop.get_executor(),
        adopts ? std::vector<std::string>() : settings.web.listen_addresses,
        std::move(api)
    );
    if (!server) return cannot_listen(server.error());
    http = std::move(*server);
    for (UniqueFd& socket : options.sockets) {
      if (auto taken = http->adopt(std::move(socket)); !taken) return cannot_listen(taken.error());
    }
    for (const std::string& address : http->addresses()) {
      log.info("listening", {{"url", "http://" + address + "/"}});
    }
    return true;
  }

  /// A coroutine of the supervisor must never end by an exception: that is a bug, so the daemon
  /// ends.
  template <typename Awaitable>
  void spawn(Awaitable work) {
    boost::asio::co_spawn(loop, std::move(work), [](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
    });
  }
};

Supervisor::Supervisor(
    boost::asio::io_context& loop,
    Configuration config,
    RunOptions options,
    sampler::SamplerClient& sampler,
    Logger& log
)
    : impl_(std::make_unique<Impl>(loop, std::move(config), std::move(options), sampler, log)) {}

Supervisor::~Supervisor() = default;

int Supervisor::run() {
  if (!impl_->listen()) return 1;
  impl_->log.info(
      "started",
      {{"version", version()},
       {"mode", impl_->view.mode},
       {"rules", std::to_string(impl_->settings.rules.size())},
       {"targets", std::to_string(impl_->targets.size())}}
  );
  for (const std::string& name : impl_->options.missing_capabilities) {
    impl_->log.warn(
        "capability_missing",
        {{"capability", name}, {"consequence", "captures see less: pghangd's systemd/README.md"}}
    );
  }
  impl_->service.started();
  impl_->spawn(impl_->service.run(impl_->loop.get_executor()));
  impl_->spawn(impl_->serve_unix_signals());
  impl_->spawn(impl_->end_with_keeper());
  impl_->spawn(impl_->desk.run());
  impl_->spawn(impl_->watch_sampler());
  for (const auto& session : impl_->targets)
    impl_->spawn(impl_->poll_forever(*session));
  impl_->loop.run();
  return impl_->exit_code;
}

}  // namespace pghang
