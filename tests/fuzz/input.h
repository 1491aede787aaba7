#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/pfr/core.hpp>

namespace pghang::fuzz {

/// Ends the process, as a sanitizer would, when a promise is broken.
inline void expect(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// Values out of a fuzzer's bytes. Takes any bytes: behind their end everything is zero, so that a
/// mutation never makes an input useless.
class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

  [[nodiscard]] std::string_view rest() const { return bytes_; }

  std::string_view take_bytes(std::size_t size) {
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(taken.size());
    return taken;
  }

  template <typename T>
  T number() {
    T value{};
    const std::string_view taken = take_bytes(sizeof value);
    std::memcpy(&value, taken.data(), taken.size());
    return value;
  }

  /// Less than `end`, which is at most 65536; 0 when that is 0.
  std::size_t below(std::size_t end) { return end == 0 ? 0 : number<std::uint16_t>() % end; }

  template <typename T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = (number<std::uint8_t>() & 1U) != 0;
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(number<std::int8_t>());
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = number<T>();
    } else {
      get_compound(value);
    }
  }

 private:
  void get_compound(std::string& value) { value = take_bytes(number<std::uint8_t>()); }

  template <typename Rep, typename Period>
  void get_compound(std::chrono::duration<Rep, Period>& value) {
    value = std::chrono::duration<Rep, Period>(number<Rep>());
  }

  template <typename T>
  void get_compound(std::vector<T>& value) {
    const auto count = number<std::uint8_t>();
    for (unsigned i = 0; i < count && !at_end(); ++i)
      get(value.emplace_back());
  }

  template <typename T, std::size_t N>
  void get_compound(std::array<T, N>& value) {
    for (T& element : value)
      get(element);
  }

  template <typename T>
  void get_compound(std::optional<T>& value) {
    bool present = false;
    get(present);
    if (present) get(value.emplace());
  }

  template <typename T>
  void get_compound(T& aggregate) {
    static_assert(std::is_aggregate_v<T>);
    boost::pfr::for_each_field(aggregate, [this](auto& field) { this->get(field); });
  }

  std::string_view bytes_;
};

/// The bytes that Input::get() makes `value` of. Strings and vectors are cut to what fits a count.
class Output {
 public:
  template <typename T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      number<std::uint8_t>(value ? 1 : 0);
    } else if constexpr (std::is_enum_v<T>) {
      number(static_cast<std::int8_t>(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
      number(value);
    } else {
      put_compound(value);
    }
  }

  template <typename T>
  void number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  void bytes(std::string_view more) { bytes_ += more; }

  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  static constexpr std::size_t kMaxCount = 255;

  std::uint8_t count(std::size_t size) {
    const auto kept = static_cast<std::uint8_t>(std::min(size, kMaxCount));
    number(kept);
    return kept;
  }

  void put_compound(const std::string& value) {
    bytes(std::string_view(value).substr(0, count(value.size())));
  }

  template <typename Rep, typename Period>
  void put_compound(const std::chrono::duration<Rep, Period>& value) {
    number(value.count());
  }

  template <typename T>
  void put_compound(const std::vector<T>& value) {
    const std::size_t kept = count(value.size());
    for (std::size_t i = 0; i < kept; ++i)
      put(value[i]);
  }

  template <typename T, std::size_t N>
  void put_compound(const std::array<T, N>& value) {
    for (const T& element : value)
      put(element);
  }

  template <typename T>
  void put_compound(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }

  template <typename T>
  void put_compound(const T& aggregate) {
    static_assert(std::is_aggregate_v<T>);
    boost::pfr::for_each_field(aggregate, [this](const auto& field) { this->put(field); });
  }

  std::string bytes_;
};

}  // namespace pghang::fuzz
