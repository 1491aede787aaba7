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
#include "daemon/control_client.h"
#include "daemon/incident_store.h"
#include "daemon/logger.h"
#include "daemon/pause_desk.h"
#include "daemon/postgres_enforcer_lock.h"
#include "daemon/postgres_ports.h"
#include "daemon/sampler_processes.h"
#include "daemon/service_reporter.h"
#include "daemon/target_monitor.h"
#include "daemon/version.h"
#include "daemon/whereabouts.h"
#include "exporters/api.h"
#include "exporters/external_url.h"
#include "exporters/http/http_server.h"

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

  /// A process of the server, of this host; 0: none is known.
  [[nodiscard]] pid_t server_process() const {
    const pid_t listener = connection.server_process();
    return listener != 0 ? listener : whereabouts.process();
  }

  /// To find our own backend by.
  [[nodiscard]] sampler::GlanceRequest own_backend() const {
    sampler::GlanceRequest request;
    request.pid = connection.backend_pid();
    if (const auto start = connection.backend_start())
      request.expect_started_at_micros = unix_micros(*start);
    request.server_process = connection.server_process();
    request.client_port = connection.client_port();
    request.flags = false;
    request.prove_local = true;
    return request;
  }

  /// `settings`: of this target, settings_for().
  TargetSession(
      const boost::asio::any_io_executor& executor,
      const Target& target_arg,
      const Settings& settings,
      std::uint64_t number_arg,
      Chronicle& chronicle,
      TargetMonitor::SubmitCapture submit,
      TargetMonitor::SubmitLook look
  )
      : connection(executor, target_arg, settings.polling),
        activity(connection, settings.polling, filter_for(settings)),
        signaller(connection, settings.polling.statement_timeout),
        locks(connection, settings.polling.statement_timeout),
        enforcer_lock(connection, settings.polling.statement_timeout),
        monitor(
            target_arg.name,
            settings,
            activity,
            signaller,
            locks,
            chronicle,
            std::move(submit),
            std::move(look)
        ),
        target(target_arg),
        number(number_arg),
        pause(executor),
        next_look(executor) {
    monitor.share_with_others(enforcer_lock);
  }
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
  SamplerProcesses processes;
  BundleWriter bundles;
  ConfigReloader reloader;
  std::unique_ptr<IncidentStore> store;  ///< null: none is configured
  std::vector<std::unique_ptr<TargetSession>> targets;
  std::vector<std::unique_ptr<TargetSession>> retiring;  ///< until what is under way has ended
  std::uint64_t sessions = 0;
  boost::asio::steady_timer looks_due;
  PauseDesk pauses;
  std::unique_ptr<HttpServer> http;
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
        processes(loop.get_executor(), desk, sampler),
        bundles(
            loop.get_executor(),
            settings.bundle,
            [this](const std::string& result, const std::string& context) {
              chronicle.bundle_saved(result, context);
            }
        ),
        reloader(loop.get_executor(), options.config_file),
        looks_due(loop),
        pauses(loop.get_executor(), pause_path(), chronicle, [this](bool paused) {
          for (const auto& session : targets)
            session->monitor.pause(paused);
        }) {
    chronicle.know(config.signatures);
    view.version = version();
    save_bundles();
    open_store();
    view.started_at_micros = wall_clock();
    desk.tell_looks_to([this](const LookJob& job, const Result<Capture>& result) {
      if (TargetSession* session = session_of(job.session)) {
        session->monitor.looked(job.backend, result);
      }
    });
    chronicle.when_looks_are_wanted([this] { looks_due.cancel(); });
    for (const Target& target : settings.targets)
      add_target(target);
    publish_mode();
  }

  TargetSession& add_target(const Target& target) {
    TargetView& published = view.targets.emplace_back();
    published.name = target.name;
    published.dsn = safe_dsn(target.dsn);
    const std::uint64_t number = ++sessions;
    targets.push_back(std::make_unique<TargetSession>(
        loop.get_executor(),
        target,
        settings_for(settings, target),
        number,
        chronicle,
        [this, number](const escalation::CaptureOrder& order) { submit(number, order); },
        [this, number](const BackendKey& backend) { look(number, backend); }
    ));
    targets.back()->monitor.watch_processes_with(processes);
    targets.back()->monitor.pause(pauses.paused());
    return *targets.back();
  }

  void publish_mode() {
    const auto word = [](Mode mode) {
      return mode == Mode::enforce ? "enforce" : "observe";
    };
    view.mode = word(settings.mode);
    for (const Target& target : settings.targets) {
      const auto published = std::ranges::find(view.targets, target.name, &TargetView::name);
      if (published != view.targets.end())
        published->mode = word(settings_for(settings, target).mode);
    }
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
      for (const auto& session : targets)
        session->monitor.count_spent(contents.escalations);
      chronicle.end_late(std::move(contents.incidents), "pghangd was restarted without its store");
    };
    handlers.begun_anew = [this] {
      chronicle.keep_everything();
      for (const auto& session : targets)
        session->monitor.remember_all_again();
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
      take_up(contents ? std::move(*contents) : StoreContents{});
    }
    for (const auto& session : targets)
      start_polling(*session);
  }

  void take_up(StoreContents contents) {
    chronicle.keep_in(*store);
    chronicle.take_up(std::move(contents.incidents));
    for (const auto& session : targets) {
      std::vector<StoredEscalation> rows;
      std::ranges::copy_if(contents.escalations, std::back_inserter(rows), [&](const auto& row) {
        return row.target == session->monitor.target();
      });
      session->monitor.remember_in(*store, std::move(rows));
    }
    for (const StoredEscalation& row : contents.escalations) {
      if (session_of(row.target) == nullptr) store->erase_escalation(row.target, row.sighting);
    }
    chronicle.end_orphans(
        [this](const Incident& incident) { return session_of(incident.target) == nullptr; },
        "its target is not configured any more, and nobody knows how it ended"
    );
    store->flush();
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

  /// Null for one that is retired.
  [[nodiscard]] TargetSession* session_of(std::uint64_t number) {
    const auto found = std::ranges::find_if(targets, [&](const auto& session) {
      return session->number == number;
    });
    return found == targets.end() ? nullptr : found->get();
  }

  [[nodiscard]] TargetSession* session_of(const std::string& target) {
    const auto found = std::ranges::find_if(targets, [&](const auto& session) {
      return session->target.name == target;
    });
    return found == targets.end() ? nullptr : found->get();
  }

  void submit(std::uint64_t number, const escalation::CaptureOrder& order) {
    TargetSession* session = session_of(number);
    if (session == nullptr) return;
    // Seen among the server's processes here, or the server is known to be here.
    if (order.process.pid != 0 || session->whereabouts.local() == true) {
      const pid_t process = session->server_process();
      desk.submit(CaptureJob{session->target.name, order, process, number});
    } else if (session->whereabouts.local() == false) {
      session->monitor.no_local_process(order, session->whereabouts.why_not());
    } else {
      session->whereabouts.wait(order);
      locate(*session);
    }
  }

  /// Until it is known where the server is nobody is looked at: later polls ask again.
  void look(std::uint64_t number, const BackendKey& backend) {
    TargetSession* session = session_of(number);
    if (session == nullptr) return;
    if (session->whereabouts.local() == true) {
      desk.look(LookJob{number, backend, session->server_process()});
    } else {
      locate(*session);
    }
  }

  void capture_done(const CaptureJob& job, Result<Capture> result, Clock::duration took) {
    TargetSession* session = session_of(job.session);
    if (session != nullptr) session->monitor.capture_done(job.order, std::move(result), took);
  }

  /// Where the server's processes are. Not known: the next order asks again.
  void locate(TargetSession& session) {
    if (session.connection.backend_pid() == 0 || !session.whereabouts.ask()) return;
    desk.locate(
        session.own_backend(),
        [this, number = session.number, asked = session.located_by](const Result<Glance>& seen) {
          TargetSession* const still = session_of(number);
          if (still != nullptr && still->located_by == asked) located(*still, seen);
        }
    );
  }

  void located(TargetSession& session, const Result<Glance>& seen) {
    const auto found = session.whereabouts.found(seen, session.connection.server_process());
    const Whereabouts& now = session.whereabouts;
    chronicle.located(session.target.name, now.local(), now.why_not());
    if (now.process() != 0) desk.prewarm({.pid = now.process()});
    for (const escalation::CaptureOrder& order : found.waiting) {
      if (found.failure) {
        session.monitor.capture_done(order, *found.failure, {});
      } else {
        submit(session.number, order);
      }
    }
  }

  /// Another connection, perhaps to another server.
  void connected(TargetSession& session, pid_t own_backend) {
    session.located_by = own_backend;
    session.whereabouts.forget();
    locate(session);
  }

  awaitable<void> poll_forever(TargetSession& session) {
    std::minstd_rand random(std::random_device{}());
    unsigned failures = 0;
    while (!session.retired) {
      const Clock::time_point started = Clock::now();
      const std::int64_t started_at_micros = wall_clock();
      const bool answered = co_await session.monitor.poll_once();
      if (session.retired) co_return;
      failures = answered ? 0 : failures + 1;
      const pid_t own_backend = session.connection.backend_pid();
      if (!answered && own_backend == 0) session.monitor.connection_lost(session.located_by);
      if (answered && session.located_by != own_backend) {
        session.connected_at_micros = started_at_micros;
        connected(session, own_backend);
      }
      session.polled = true;
      view.ready =
          view.ready || std::ranges::all_of(targets, [](const auto& one) { return one->polled; });
      Clock::time_point next = started + settings.polling.interval;
      if (!answered) {
        const double random01 = std::uniform_real_distribution<double>()(random);
        next = Clock::now() + reconnect_delay(failures, settings.polling.reconnect_max, random01);
      }
      session.pause.expires_at(std::max(next, Clock::now()));
      co_await session.pause.async_wait(as_tuple(use_awaitable));
    }
  }

  /// Beside the polls, which may take as long as their deadlines.
  awaitable<void> look_at_processes_forever(TargetSession& session) {
    for (;;) {
      session.next_look.expires_after(settings.polling.interval);
      co_await session.next_look.async_wait(as_tuple(use_awaitable));
      if (session.retired) co_return;
      ProcessScene scene;
      scene.server_process = session.server_process();
      // Of a server elsewhere it is no pid of this host.
      if (session.whereabouts.local() != false) scene.own_backend = session.located_by;
      scene.own_backend_started_micros = session.connected_at_micros;
      co_await session.monitor.look_at_processes(scene);
    }
  }

  void start_polling(TargetSession& session) {
    const auto ended = [this, number = session.number](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
      std::erase_if(retiring, [&](const auto& one) {
        return one->number == number && --one->loops == 0;
      });
    };
    session.loops = 2;
    boost::asio::co_spawn(loop, poll_forever(session), ended);
    boost::asio::co_spawn(loop, look_at_processes_forever(session), ended);
  }

  /// The session lives on until what is under way has ended: that is bounded.
  void retire(std::unique_ptr<TargetSession> session) {
    session->monitor.retire("the target was removed from the configuration");
    session->retired = true;
    session->pause.cancel();
    session->next_look.cancel();
    chronicle.forget(session->target.name);
    retiring.push_back(std::move(session));
  }

  /// What stays keeps its connection, its sightings and its graces.
  void apply_targets() {
    std::vector<std::unique_ptr<TargetSession>> before = std::exchange(targets, {});
    for (auto& session : before) {
      const auto kept = std::ranges::find_if(settings.targets, [&](const Target& target) {
        return same_server(target, session->target);
      });
      if (kept == settings.targets.end()) {
        retire(std::move(session));
        continue;
      }
      session->target = *kept;
      const Settings own = settings_for(settings, *kept);
      session->activity.configure(own.polling, filter_for(own));
      session->monitor.reconfigure(own);
      targets.push_back(std::move(session));
    }
    for (const Target& target : settings.targets) {
      if (session_of(target.name) != nullptr) continue;
      TargetSession& added = add_target(target);
      if (store) added.monitor.remember_in(*store, {});
      start_polling(added);
    }
  }

  /// The light looks at backends that were signalled.
  awaitable<void> watch_signals() {
    for (;;) {
      const auto next = chronicle.outcomes().next_look();
      looks_due.expires_at(next.value_or(Clock::time_point::max()));
      co_await looks_due.async_wait(as_tuple(use_awaitable));
      for (const SignalOutcomes::Look& look : chronicle.outcomes().take_due(Clock::now()))
        look_at(look);
    }
  }

  void look_at(const SignalOutcomes::Look& look) {
    const TargetSession* session = session_of(look.target);
    if (session == nullptr || session->whereabouts.local() != true) {
      chronicle.looked(look, Error{Errc::unsupported, "no local process"}, Clock::now());
      return;
    }
    sampler::GlanceRequest request;
    request.pid = look.backend.pid;
    request.expect_started_at_micros = unix_micros(look.backend.backend_start);
    request.server_process = session->whereabouts.process();
    desk.glance(request, [this, look](const Result<Glance>& seen) {
      chronicle.looked(look, seen, Clock::now());
    });
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
    apply_targets();
    chronicle.limit(settings.incidents);
    bundles.configure(settings.bundle);
    save_bundles();
    if (store) store->configure(settings.store);
    publish_mode();
    log.info(
        "reloaded",
        {{"mode", view.mode},
         {"rules", std::to_string(settings.rules.size())},
         {"targets", std::to_string(settings.targets.size())}}
    );
  }

  LifecycleAnswer
  reset_breakers(const std::string& target, const std::string& rule, const std::string& by) {
    std::string closed;
    for (const auto& session : targets) {
      if (!target.empty() && session->monitor.target() != target) continue;
      const std::vector<std::string> rules = session->monitor.reset_breakers(rule);
      chronicle.breakers_reset(session->monitor.target(), rules, by);
      for (const std::string& name : rules)
        closed += (closed.empty() ? "" : ", ") + name + " on " + session->monitor.target();
    }
    return {closed.empty() ? "no breaker was open" : "closed: " + closed};
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
          return reset_breakers(target, rule, by);
        };
    return offered;
  }

  /// Without it everything else goes on.
  void open_control_socket() {
    const std::string path = own_control_socket_path(settings.web.control_socket);
    if (path.empty()) {
      log.info("no_control_socket", {{"consequence", "pghangd pause and resume cannot reach it"}});
    } else if (const auto opened = http->serve_control_socket(path); !opened) {
      log.warn(
          "no_control_socket",
          {{"error", opened.error().context},
           {"consequence", "pghangd pause and resume cannot reach it"}}
      );
    } else {
      log.info("control_socket", {{"path", path}});
    }
  }

  bool cannot_listen(const Error& error) {
    log.error("listen_failed", {{"error", error.context}});
    service.failed(error.context);
    return false;
  }

  bool listen() {
    Api api{view, metrics, settings.web.telemetry_path, {}};
    api.reload = [this] {
      return start_reload();
    };
    api.lifecycle = lifecycle();
    api.lifecycle_by_tcp = settings.web.enable_lifecycle;
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
    view.external_url =
        external_url(settings.web.external_url, http->addresses().front(), host_name());
    for (const std::string& address : http->addresses()) {
      log.info("listening", {{"url", "http://" + address + "/"}});
    }
    open_control_socket();
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
  impl_->spawn(impl_->watch_signals());
  impl_->spawn(impl_->watch_store());
  impl_->spawn(impl_->take_up_and_poll());
  impl_->loop.run();
  return impl_->exit_code;
}

}  // namespace pghang
