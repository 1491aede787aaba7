#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "config/web_config.h"

namespace pghang {

/// How an attempt to log in ended.
enum class LoginResult {
  accepted,
  refused,  ///< no credentials, an unknown user or a wrong password; nobody is told which
  busy,     ///< too many other attempts wait: it was not looked at
};

/// Logs in by HTTP Basic against bcrypt hashes. Hashes are computed by one thread, never on the
/// loop; the same attempt is computed once, also when it comes again while it is computed. An
/// unknown user costs what a wrong password does. Loop thread only.
class Login {
 public:
  struct Limits {
    std::size_t waiting = 32;       ///< different attempts that wait to be computed; more: busy
    std::size_t remembered = 1000;  ///< attempts of each ending
  };

  explicit Login(boost::asio::any_io_executor executor) : Login(std::move(executor), Limits{}) {}

  Login(boost::asio::any_io_executor executor, Limits limits);
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;
  /// Attempts that wait are not answered.
  ~Login();

  /// From now on these; what was accepted of others is not any more. Empty: nobody has to log in.
  void set_users(std::vector<NamedText> users);
  [[nodiscard]] bool required() const;

  /// What is known of an Authorization header without computing; nothing when check() has to.
  [[nodiscard]] std::optional<LoginResult> known(const std::string& authorization) const;
  /// Calls `reply` once, now or later, on the loop.
  void check(const std::string& authorization, std::function<void(LoginResult)> reply);

  /// Hashes computed since the start.
  [[nodiscard]] std::uint64_t computed() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< the thread tells it results as long as it is there
};

}  // namespace pghang
