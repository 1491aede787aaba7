#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/settings.h"
#include "exporters/http/http_server.h"

namespace pghang {

/// What a request to change the daemon's behaviour came to.
struct LifecycleAnswer {
  std::string text;     ///< one line, for people
  bool lasting = true;  ///< false: done, but a restart would undo it; `text` says why
};

/// What may be asked of the daemon beside a reload. Loop thread only; each is called once for a
/// request, and `reply` once for each call, at once or later. `by`: who asks.
struct Lifecycle {
  using Reply = std::function<void(LifecycleAnswer)>;

  std::function<void(Duration for_, std::string reason, std::string by, Reply reply)> pause;
  std::function<void(std::string by, Reply reply)> resume;
  /// `target`, `rule`: empty for all.
  std::function<LifecycleAnswer(std::string target, std::string rule, std::string by)>
      reset_breakers;
};

/// The longest pause: who stops all signals for longer wants `mode: observe`.
inline constexpr Duration kLongestPause{std::chrono::hours{24 * 30}};
/// Bytes of a pause's reason.
inline constexpr std::size_t kLongestReason = 200;

/// Answers POST `/-/pause?for=1h&reason=...`, `/-/resume` and
/// `/-/breaker/reset?target=...&rule=...`, once they are allowed. 200, or 202 when it is not
/// lasting; 400 with the reason. Nothing for any other path.
[[nodiscard]] std::optional<HttpResponse>
lifecycle_response(const Lifecycle& lifecycle, const HttpRequest& request);

[[nodiscard]] bool is_lifecycle_path(const std::string& path);

}  // namespace pghang
