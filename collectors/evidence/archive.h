#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/pfr/core.hpp>

/// An encoding of aggregates for files that outlive the program that wrote them. Every field,
/// element and value carries its length, so a reader skips fields it does not know and leaves those
/// that are not there at their defaults. Hence the one rule for the types written so: new fields go
/// at the end, and no field changes its meaning. Little-endian; a scalar is its bytes, an
/// enumerator its number (so new ones go at the end, too), an optional or a shared_ptr a presence
/// byte and its value, a vector its elements one after the other.
///
/// Unlike codec.h, which is smaller and faster, and only for both ends of one build.
namespace pghang::archive {

template <typename T>
void put(std::string& out, const T& value);
/// False when the bytes are short or absurd; `value` is then unspecified.
template <typename T>
[[nodiscard]] bool get(std::string_view bytes, T& value);

namespace detail {

template <typename T>
void put_sized(std::string& out, const T& value) {
  const std::size_t at = out.size();
  out.append(sizeof(std::uint32_t), '\0');
  archive::put(out, value);
  const auto length = static_cast<std::uint32_t>(out.size() - at - sizeof(std::uint32_t));
  std::memcpy(out.data() + at, &length, sizeof length);
}

/// Takes the next sized piece off `bytes`; nothing when that is short.
[[nodiscard]] inline std::optional<std::string_view> take_sized(std::string_view& bytes) {
  std::uint32_t length = 0;
  if (bytes.size() < sizeof length) return std::nullopt;
  std::memcpy(&length, bytes.data(), sizeof length);
  bytes.remove_prefix(sizeof length);
  if (length > bytes.size()) return std::nullopt;
  const std::string_view piece = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return piece;
}

template <typename T>
struct Encoding {
  static void put(std::string& out, const T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      out.append(reinterpret_cast<const char*>(&value), sizeof value);
    } else {
      static_assert(std::is_aggregate_v<T>);
      boost::pfr::for_each_field(value, [&out](const auto& field) { put_sized(out, field); });
    }
  }

  static bool get(std::string_view bytes, T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      if (bytes.size() != sizeof value) return false;
      std::memcpy(&value, bytes.data(), sizeof value);
      return true;
    } else {
      bool ok = true;
      boost::pfr::for_each_field(value, [&bytes, &ok](auto& field) {
        if (!ok || bytes.empty()) return;  // written before this field was there
        const auto piece = take_sized(bytes);
        ok = piece && archive::get(*piece, field);
      });
      return ok;
    }
  }
};

template <>
struct Encoding<bool> {
  static void put(std::string& out, bool value) { out += value ? '\1' : '\0'; }

  static bool get(std::string_view bytes, bool& value) {
    if (bytes.size() != 1) return false;
    value = bytes[0] != '\0';
    return true;
  }
};

template <>
struct Encoding<std::string> {
  static void put(std::string& out, const std::string& value) { out += value; }

  static bool get(std::string_view bytes, std::string& value) {
    value = bytes;
    return true;
  }
};

template <typename Rep, typename Period>
struct Encoding<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;

  static void put(std::string& out, Duration value) { archive::put(out, value.count()); }

  static bool get(std::string_view bytes, Duration& value) {
    Rep count{};
    const bool ok = archive::get(bytes, count);
    value = Duration(count);
    return ok;
  }
};

template <typename T>
struct Encoding<std::optional<T>> {
  static void put(std::string& out, const std::optional<T>& value) {
    archive::put(out, value.has_value());
    if (value) archive::put(out, *value);
  }

  static bool get(std::string_view bytes, std::optional<T>& value) {
    value.reset();
    bool present = false;
    if (!archive::get(bytes.substr(0, 1), present)) return false;
    return !present || archive::get(bytes.substr(1), value.emplace());
  }
};

template <typename T>
struct Encoding<std::shared_ptr<const T>> {
  static void put(std::string& out, const std::shared_ptr<const T>& value) {
    archive::put(out, value != nullptr);
    if (value) archive::put(out, *value);
  }

  static bool get(std::string_view bytes, std::shared_ptr<const T>& value) {
    std::optional<T> read;
    const bool ok = archive::get(bytes, read);
    value = read ? std::make_shared<const T>(*std::move(read)) : nullptr;
    return ok;
  }
};

template <typename T>
struct Encoding<std::vector<T>> {
  static void put(std::string& out, const std::vector<T>& value) {
    for (const T& element : value)
      put_sized(out, element);
  }

  static bool get(std::string_view bytes, std::vector<T>& value) {
    value.clear();
    while (!bytes.empty()) {
      const auto piece = take_sized(bytes);
      if (!piece || !archive::get(*piece, value.emplace_back())) return false;
    }
    return true;
  }
};

}  // namespace detail

template <typename T>
void put(std::string& out, const T& value) {
  detail::Encoding<T>::put(out, value);
}

template <typename T>
bool get(std::string_view bytes, T& value) {
  return detail::Encoding<T>::get(bytes, value);
}

}  // namespace pghang::archive
