#include "exporters/lifecycle.h"

#include <map>
#include <utility>

#include "config/units.h"
#include "exporters/http/query_string.h"

namespace pghang {
namespace {

using Parameters = std::map<std::string, std::string>;

HttpResponse text(int status, const std::string& line) {
  return {status, "text/plain; charset=utf-8", line + '\n', ""};
}

HttpResponse response_of(const LifecycleAnswer& answer) {
  return text(answer.lasting ? 200 : 202, answer.text);
}

std::string take(Parameters& parameters, const std::string& key) {
  const auto found = parameters.find(key);
  if (found == parameters.end()) return "";
  std::string value = std::move(found->second);
  parameters.erase(found);
  return value;
}

HttpResponse pause(const Lifecycle& lifecycle, Parameters parameters, const std::string& by) {
  const std::string length = take(parameters, "for");
  std::string reason = take(parameters, "reason");
  if (!parameters.empty()) return text(400, "unknown parameter; there are for and reason");
  if (length.empty()) return text(400, "for: is required, as in /-/pause?for=1h");
  const Result<Duration> duration = parse_duration(length);
  if (!duration) return text(400, "for: " + duration.error().context);
  if (*duration < std::chrono::seconds(1) || *duration > kLongestPause)
    return text(400, "for: 1s to " + format_duration(kLongestPause));
  if (reason.size() > kLongestReason)
    return text(400, "reason: is longer than " + std::to_string(kLongestReason) + " bytes");
  HttpResponse later;
  later.deferred = [start = lifecycle.pause, duration = *duration, reason = std::move(reason), by](
                       std::function<void(HttpResponse)> send
                   ) {
    start(duration, reason, by, [send = std::move(send)](const LifecycleAnswer& answer) {
      send(response_of(answer));
    });
  };
  return later;
}

HttpResponse
resume(const Lifecycle& lifecycle, const Parameters& parameters, const std::string& by) {
  if (!parameters.empty()) return text(400, "unknown parameter; there is none");
  HttpResponse later;
  later.deferred = [start = lifecycle.resume, by](std::function<void(HttpResponse)> send) {
    start(by, [send = std::move(send)](const LifecycleAnswer& answer) {
      send(response_of(answer));
    });
  };
  return later;
}

HttpResponse reset(const Lifecycle& lifecycle, Parameters parameters, const std::string& by) {
  const std::string target = take(parameters, "target");
  const std::string rule = take(parameters, "rule");
  if (!parameters.empty()) return text(400, "unknown parameter; there are target and rule");
  return response_of(lifecycle.reset_breakers(target, rule, by));
}

}  // namespace

bool is_lifecycle_path(const std::string& path) {
  return path == "/-/pause" || path == "/-/resume" || path == "/-/breaker/reset";
}

std::optional<HttpResponse>
lifecycle_response(const Lifecycle& lifecycle, const HttpRequest& request) {
  if (!is_lifecycle_path(request.path)) return std::nullopt;
  Result<Parameters> parameters = parse_query(request.query);
  if (!parameters) return text(400, parameters.error().context);
  if (request.path == "/-/pause") return pause(lifecycle, *std::move(parameters), request.peer);
  if (request.path == "/-/resume") return resume(lifecycle, *parameters, request.peer);
  return reset(lifecycle, *std::move(parameters), request.peer);
}

}  // namespace pghang
