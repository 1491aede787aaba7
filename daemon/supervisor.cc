#include "daemon/supervisor.h"

#include <csignal>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/chronicle/bundle_writer.h"
#include "daemon/chronicle/chronicle.h"
#include "daemon/chronicle/incident_store.h"
#include "daemon/controls/config_reloader.h"
#include "daemon/controls/pause_desk.h"
#include "daemon/controls/web_front.h"
#include "daemon/revision.h"
#include "daemon/service/logger.h"
#include "daemon/service/service_reporter.h"
#include "daemon/targets/capture_desk.h"
#include "daemon/targets/sampler_processes.h"
#include "daemon/targets/target_set.h"
#include "daemon/version.h"

namespace pghang {
namespace {

using boost::asio::as_tuple;
using boost::asio::awaitable;
using boost::asio::use_awaitable;
using Clock = std::chrono::steady_clock;

constexpr Duration kSamplerStatsInterval{std::chrono::seconds{5}};
constexpr Duration kSamplerStatsDeadline{std::chrono::seconds{1}};
constexpr Duration kStoreStatusInterval{std::chrono::seconds{1}};
/// What the last daemon left behind is worth waiting for, but not for ever. 250 MB are read and
/// checked in 1 s.
constexpr Duration kLoadPatience{std::chrono::seconds{5}};

std::string without(const std::vector<std::string>& capabilities) {
  std::string names;
  for (const std::string& name : capabilities)
    names += (names.empty() ? "captures see less without " : ", ") + name;
  return names;
}

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
  SamplerProcesses processes;
  BundleWriter bundles;
  ConfigReloader reloader;
  std::unique_ptr<IncidentStore> store;  ///< null: none is configured
  TargetSet targets;
  PauseDesk pauses;
  WebFront web;
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
        chronicle(view, metrics, log, settings.incidents, wall_clock_micros),
        desk(
            loop.get_executor(),
            sampler,
            settings.sampling,
            [this](const CaptureJob& job, Result<Capture> result, Clock::duration took) {
              targets.capture_done(job, std::move(result), took);
            }
        ),
        processes(loop.get_executor(), desk, sampler),
        bundles(
            loop.get_executor(),
            settings.bundle,
            [this](const std::string& result, const std::string& context) {
              chronicle.bundle_saved(result, context);
            }
        ),
        reloader(loop.get_executor(), options.config_file),
        targets(loop, settings, view, chronicle, desk, processes),
        pauses(
            loop.get_executor(),
            pause_path(),
            chronicle,
            [this](bool paused) { targets.pause(paused); }
        ),
        web(loop.get_executor(), view, metrics, log) {
    chronicle.know(config.signatures);
    view.version = version();
    view.revision = revision();
    save_bundles();
    open_store();
    view.started_at_micros = wall_clock_micros();
  }

  void save_bundles() {
    desk.keep_snapshots(bundles.enabled() && settings.bundle.stack_memory);
    Chronicle::SaveBundle save;
    if (bundles.enabled()) {
      save = [this](std::string name, Bundle bundle) {
        bundles.submit(std::move(name), std::move(bundle));
      };
    }
    chronicle.save_bundles_with(std::move(save));
  }

  void open_store() {
    const std::string file = store_file(settings.store.file);
    if (file.empty()) return;
    IncidentStore::Handlers handlers;
    handlers.tell = [this](const StoreNews& news) {
      chronicle.store_told(news);
    };
    handlers.late = [this](StoreContents contents) {
      targets.take_up_late(contents);
      chronicle.end_late(std::move(contents.incidents), "pghangd was restarted without its store");
    };
    handlers.begun_anew = [this] {
      chronicle.keep_everything();
      targets.remember_all_again();
    };
    store = std::make_unique<IncidentStore>(
        loop.get_executor(),
        file,
        settings.store,
        settings.incidents.keep,
        std::move(handlers)
    );
  }

  /// The loop does not wait for the disk, but the first poll does, for a while: it goes on where
  /// the last daemon was.
  awaitable<void> take_up_and_poll() {
    if (store) {
      std::optional<StoreContents> contents = co_await store->load(kLoadPatience);
      targets.take_up(contents ? std::move(*contents) : StoreContents{}, *store);
    }
    targets.start();
  }

  awaitable<void> watch_store() {
    boost::asio::steady_timer timer(loop);
    while (store) {
      const StoreStatus status = store->status();
      metrics.store(status.up, status.bytes, status.failures, status.dropped);
      timer.expires_after(kStoreStatusInterval);
      co_await timer.async_wait(as_tuple(use_awaitable));
    }
  }

  void stop(int code) {
    exit_code = code;
    loop.stop();
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
    web.reload();
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
    for (const ConfigProblem& warning : loaded.warnings) {
      log.warn("configuration_warning", {{"warning", to_string(warning)}});
    }
    Settings fresh = std::move(loaded.settings);
    if (options.override_settings) options.override_settings(fresh);
    if (fresh.web != settings.web || fresh.log.format != settings.log.format ||
        fresh.store.file != settings.store.file || fresh.symbols != settings.symbols) {
      log.warn(
          "reload_partial",
          {{"not_applied", "web, log.format, store.file, symbols: at restart"}}
      );
      fresh.web = settings.web;
      fresh.log.format = settings.log.format;
      fresh.store.file = settings.store.file;
      fresh.symbols = settings.symbols;
    }
    settings = std::move(fresh);
    chronicle.know(loaded.signatures);
    log.set_level(settings.log.level);
    desk.configure(settings.sampling);
    targets.apply();
    chronicle.limit(settings.incidents);
    bundles.configure(settings.bundle);
    save_bundles();
    if (store) store->configure(settings.store);
    log.info(
        "reloaded",
        {{"mode", view.mode},
         {"rules", std::to_string(settings.rules.size())},
         {"targets", std::to_string(settings.targets.size())}}
    );
  }

  [[nodiscard]] Lifecycle lifecycle() {
    Lifecycle offered;
    offered.pause = [this](Duration length, std::string reason, std::string by, auto reply) {
      pauses.pause(length, std::move(reason), std::move(by), std::move(reply));
    };
    offered.resume = [this](const std::string& by, auto reply) {
      pauses.resume(by, std::move(reply));
    };
    offered.reset_breakers =
        [this](const std::string& target, const std::string& rule, const std::string& by) {
          return targets.reset_breakers(target, rule, by);
        };
    return offered;
  }

  bool open_web() {
    WebFront::Controls controls{[this] { return start_reload(); }, lifecycle()};
    const auto opened = web.open(
        settings.web,
        std::move(options.sockets),
        std::move(controls),
        std::move(options.web_config)
    );
    if (opened) return true;
    log.error("listen_failed", {{"error", opened.error().context}});
    service.failed(opened.error().context);
    return false;
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
  if (!impl_->open_web()) return 1;
  impl_->log.info(
      "started",
      {{"version", version()},
       {"mode", impl_->view.mode},
       {"rules", std::to_string(impl_->settings.rules.size())},
       {"targets", std::to_string(impl_->settings.targets.size())}}
  );
  impl_->pauses.start();
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
  impl_->spawn(impl_->targets.watch_signals());
  impl_->spawn(impl_->watch_store());
  impl_->spawn(impl_->take_up_and_poll());
  impl_->loop.run();
  return impl_->exit_code;
}

}  // namespace pghang
