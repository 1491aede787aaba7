#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/pfr/core.hpp>

/// A binary encoding for aggregates of values, used between the helper's processes and in recorded
/// fixtures. Fields in declaration order, little-endian; strings and vectors are a 32-bit count and
/// their elements; an optional is a presence byte and its value. Changing a field list changes the
/// format: raise the version beside the magic of whatever carries it.
namespace pghang::codec {

/// Appends to a byte string.
class Writer {
 public:
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

  [[nodiscard]] std::string take() { return std::move(bytes_); }

  template <typename T>
  void put(const T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      raw(&value, sizeof value);
    } else {
      put_compound(value);
    }
  }

 private:
  void raw(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
  }

  void put_compound(const std::string& value) {
    put(static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
  }

  template <typename T>
  void put_compound(const std::vector<T>& value) {
    put(static_cast<std::uint32_t>(value.size()));
    for (const T& element : value)
      put(element);
  }

  template <typename T, std::size_t N>
  void put_compound(const std::array<T, N>& value) {
    for (const T& element : value)
      put(element);
  }

  template <typename T>
  void put_compound(const std::optional<T>& value) {
    put(static_cast<std::uint8_t>(value.has_value()));
    if (value) put(*value);
  }

  template <typename T>
  void put_compound(const T& aggregate) {
    static_assert(std::is_aggregate_v<T>);
    boost::pfr::for_each_field(aggregate, [this](const auto& field) { this->put(field); });
  }

  std::string bytes_;
};

/// Takes values off a byte string. Never reads past its end: after the first short or absurd field
/// ok() is false and every further get() leaves its argument alone.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }

  /// True when everything was read and nothing is left over.
  [[nodiscard]] bool complete() const { return ok_ && bytes_.empty(); }

  template <typename T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      raw(&byte, sizeof byte);
      value = byte != 0;
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      raw(&value, sizeof value);
    } else {
      get_compound(value);
    }
  }

 private:
  void raw(void* data, std::size_t size) {
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return;
    }
    std::memcpy(data, bytes_.data(), size);
    bytes_.remove_prefix(size);
  }

  /// A count can never exceed the bytes left: every element takes at least one.
  std::uint32_t count() {
    std::uint32_t n = 0;
    get(n);
    if (n > bytes_.size()) ok_ = false;
    return ok_ ? n : 0;
  }

  void get_compound(std::string& value) {
    const std::uint32_t n = count();
    value.assign(bytes_.substr(0, n));
    bytes_.remove_prefix(n);
  }

  template <typename T>
  void get_compound(std::vector<T>& value) {
    const std::uint32_t n = count();
    value.clear();
    for (std::uint32_t i = 0; i < n && ok_; ++i)
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
    if (present && ok_) {
      get(value.emplace());
    } else {
      value.reset();
    }
  }

  template <typename T>
  void get_compound(T& aggregate) {
    static_assert(std::is_aggregate_v<T>);
    boost::pfr::for_each_field(aggregate, [this](auto& field) { this->get(field); });
  }

  std::string_view bytes_;
  bool ok_ = true;
};

template <typename T>
[[nodiscard]] std::string encode(const T& value) {
  Writer writer;
  writer.put(value);
  return writer.take();
}

/// Nothing when the bytes are short, absurd or have something left over.
template <typename T>
[[nodiscard]] std::optional<T> decode(std::string_view bytes) {
  std::optional<T> value(std::in_place);
  Reader reader(bytes);
  reader.get(*value);
  if (!reader.complete()) value.reset();
  return value;
}

}  // namespace pghang::codec
