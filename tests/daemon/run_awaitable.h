#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace pghang::tests {

/// Runs a coroutine to its end on a loop of its own and returns what it returned.
template <typename T>
T run(boost::asio::awaitable<T> work) {
  boost::asio::io_context loop(1);
  std::optional<T> result;
  boost::asio::co_spawn(
      loop,
      std::move(work),
      [&result](const std::exception_ptr& failure, T value) {
        if (failure) std::rethrow_exception(failure);
        result.emplace(std::move(value));
      }
  );
  loop.run();
  return std::move(*result);
}

}  // namespace pghang::tests
