// What one capture costs (DESIGN section 9). Usage:
//
//   capture_cost PID [--rounds N] [--stop] [--json]   CPU, wall and hold of single captures
//   capture_cost PID --captures N [--json]            memory of the helper over N captures
//
// The budget of 1 ms covers the first row: one sample, one stack, no search for peers, with the
// modules warm. `cpu` is what keeper, worker and capture child used together, by the kernel's
// account of each (schedstat, wait4), from the request's arrival to the answer's departure.
#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "collectors/process/parsers.h"
#include "collectors/process/procfs.h"
#include "collectors/sampler/client.h"

namespace pghang::sampler {
namespace {

constexpr std::chrono::seconds kDeadline{10};

struct Options {
  pid_t pid = 0;
  int rounds = 200;
  int captures = 0;
  bool stop = false;
  bool json = false;
};

class Helper {
 public:
  explicit Helper(const std::string& program)
      : client_(SamplerClient::start(loop_.get_executor(), program).value()) {}

  Result<Capture> capture(const CaptureRequest& request) {
    return run<Result<Capture>>(client_->capture(request, kDeadline));
  }

  pid_t worker() { return run<Result<SamplerStats>>(client_->stats(kDeadline)).value().worker_pid; }

  [[nodiscard]] pid_t keeper() const { return client_->keeper_pid(); }

 private:
  template <typename T>
  T run(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    boost::asio::co_spawn(loop_, std::move(work), [&](const std::exception_ptr&, T value) {
      result.emplace(std::move(value));
    });
    loop_.restart();
    loop_.run();
    return *std::move(result);
  }

  boost::asio::io_context loop_;
  std::unique_ptr<SamplerClient> client_;
};

double cpu_micros(pid_t pid) {
  const auto text = ProcFs().read(pid, "schedstat");
  const auto nanos = text ? parse_schedstat(*text) : Result<std::uint64_t>(text.error());
  return nanos ? static_cast<double>(*nanos) / 1e3 : 0;
}

/// One number of every capture.
class Series {
 public:
  void add(double value) { values_.push_back(value); }

  [[nodiscard]] double at(double share) const {
    if (values_.empty()) return 0;
    std::vector<double> sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    const auto last = static_cast<double>(sorted.size() - 1);
    return sorted[static_cast<std::size_t>(share * last + 0.5)];
  }

 private:
  std::vector<double> values_;
};

/// A kind of capture and its costs, microseconds.
struct Row {
  Row(std::string row_name, const CaptureRequest& asked)
      : name(std::move(row_name)),
        request(asked) {}

  std::string name;
  CaptureRequest request;
  Series cpu, child, worker, keeper, wall, held;
  double cold_cpu = 0;
  std::size_t frames = 0;
  bool complete = false;
  std::string method;

  bool measure(const std::string& program, const Options& options) {
    Helper helper(program);
    const pid_t worker_pid = helper.worker();
    for (int round = 0; round <= options.rounds; ++round) {
      const double worker_before = cpu_micros(worker_pid);
      const double keeper_before = cpu_micros(helper.keeper());
      const auto capture = helper.capture(request);
      if (!capture || capture->gone) {
        std::cerr << "no capture: " << (capture ? "gone" : capture.error().context) << '\n';
        return false;
      }
      const double of_worker = cpu_micros(worker_pid) - worker_before;
      const double of_keeper = cpu_micros(helper.keeper()) - keeper_before;
      const double all = of_worker + of_keeper + capture->child_cpu_micros;
      if (options.stop && capture->stack.method != CaptureMethod::ptrace_stop) {
        std::cerr << "taken by " << to_string(capture->stack.method) << ", not ptrace_stop\n";
        return false;
      }
      if (round == 0) {
        cold_cpu = all;
        continue;
      }
      cpu.add(all);
      child.add(capture->child_cpu_micros);
      worker.add(of_worker);
      keeper.add(of_keeper);
      wall.add(capture->wall_micros);
      held.add(capture->stack.held_micros);
      frames = capture->stack.frames.size() + capture->stack.omitted;
      complete = capture->stack.complete;
      method = to_string(capture->stack.method);
    }
    return true;
  }

  void print() const {
    const auto pair = [](const char* title, const Series& series) {
      std::cout << "  " << std::left << std::setw(8) << title << std::right << " p50 "
                << std::setw(9) << series.at(0.5) << "  p99 " << std::setw(9) << series.at(0.99)
                << '\n';
    };
    std::cout << std::fixed << std::setprecision(1) << name << ": " << method << ", " << frames
              << " frames, " << (complete ? "complete" : "incomplete") << "; us\n"
              << "  cold cpu     " << std::setw(9) << cold_cpu << '\n';
    pair("cpu", cpu);
    pair(" child", child);
    pair(" worker", worker);
    pair(" keeper", keeper);
    pair("wall", wall);
    pair("held", held);
  }

  void print_json(std::ostream& out) const {
    const auto pair = [&out](const char* title, const Series& series) {
      out << ",\"" << title << "_us\":{\"p50\":" << series.at(0.5) << ",\"p99\":" << series.at(0.99)
          << '}';
    };
    out << std::fixed << std::setprecision(1) << '"' << name << "\":{\"method\":\"" << method
        << "\",\"frames\":" << frames << ",\"complete\":" << (complete ? "true" : "false")
        << ",\"cold_cpu_us\":" << cold_cpu;
    pair("cpu", cpu);
    pair("child_cpu", child);
    pair("worker_cpu", worker);
    pair("keeper_cpu", keeper);
    pair("wall", wall);
    pair("held", held);
    out << '}';
  }
};

int measure_cost(const std::string& program, const Options& options) {
  std::vector<Row> rows;
  CaptureRequest one{.pid = options.pid};
  one.samples = 1;
  one.peers = false;
  rows.emplace_back("one_sample", one);
  CaptureRequest usual{.pid = options.pid};
  rows.emplace_back("three_samples_peers", usual);
  std::ostringstream json;
  for (Row& row : rows) {
    if (!row.measure(program, options)) return 2;
    json << (&row == rows.data() ? "{" : ",");
    row.print_json(json);
    if (!options.json) row.print();
  }
  if (options.json) std::cout << json.str() << "}\n";
  return 0;
}

/// Pss of /proc/PID/smaps_rollup, kB.
long pss(pid_t pid) {
  const auto text = ProcFs().read(pid, "smaps_rollup");
  if (!text) return 0;
  const std::size_t at = text->find("\nPss:");
  return at == std::string::npos ? 0 : std::atol(text->c_str() + at + 5);
}

int measure_memory(const std::string& program, const Options& options) {
  Helper helper(program);
  const pid_t worker = helper.worker();
  std::ostringstream json;
  const auto tell = [&](int after) {
    const long of_worker = pss(worker);
    const long of_keeper = pss(helper.keeper());
    if (!options.json) {
      std::cout << "after " << std::setw(6) << after << " captures: worker " << of_worker
                << " kB, keeper " << of_keeper << " kB PSS\n";
    }
    json << (json.str().empty() ? "{\"memory\":[" : ",") << "{\"captures\":" << after
         << ",\"worker_pss_kb\":" << of_worker << ",\"keeper_pss_kb\":" << of_keeper << '}';
  };
  tell(0);
  for (int done = 1; done <= options.captures; ++done) {
    const auto capture = helper.capture({.pid = options.pid, .samples = 1, .peers = false});
    if (!capture || capture->gone) {
      std::cerr << "no capture after " << done << '\n';
      return 2;
    }
    if (done == 1 || done == 100 || done == 1000 || done == options.captures) tell(done);
  }
  if (helper.worker() != worker) {
    std::cerr << "the worker was replaced\n";
    return 2;
  }
  if (options.json) std::cout << json.str() << "]}\n";
  return 0;
}

int usage() {
  std::cerr << "usage: capture_cost PID [--rounds N] [--stop] [--captures N] [--json]\n";
  return 64;
}

int run(const std::vector<std::string_view>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    const bool has_value = i + 1 < arguments.size();
    if (word == "--stop") {
      options.stop = true;
    } else if (word == "--json") {
      options.json = true;
    } else if (word == "--rounds" && has_value) {
      options.rounds = std::atoi(arguments[++i].data());
    } else if (word == "--captures" && has_value) {
      options.captures = std::atoi(arguments[++i].data());
    } else if (options.pid == 0 && !word.starts_with('-')) {
      options.pid = std::atoi(word.data());
    } else {
      return usage();
    }
  }
  if (options.pid <= 0 || options.rounds <= 0) return usage();
  return options.captures > 0 ? measure_memory(PGHANG_SAMPLER, options)
                              : measure_cost(PGHANG_SAMPLER, options);
}

}  // namespace
}  // namespace pghang::sampler

int main(int argc, char** argv) {
  return pghang::sampler::run({argv + 1, argv + argc});
}
