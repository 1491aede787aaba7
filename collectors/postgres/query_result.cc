#include <utility>

#include "collectors/postgres/query_result_impl.h"

namespace pghang {
namespace {

// src/include/catalog/pg_type.dat
constexpr std::uint32_t kBool = 16;
constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kTimestamptz = 1184;

/// Network byte order, as libpq's binary format has it.
std::string big_endian(std::uint64_t value, std::size_t width) {
  std::string bytes(width, '\0');
  for (std::size_t i = width; i-- > 0; value >>= 8U)
    bytes[i] = static_cast<char>(value & 0xffU);
  return bytes;
}

/// A value's bytes; nothing for NULL and outside the result, where libpq would print a warning.
std::optional<std::string_view> value_at(const PGresult* result, int row, int column) {
  if (row < 0 || row >= PQntuples(result) || column < 0 || column >= PQnfields(result) ||
      PQgetisnull(result, row, column) != 0) {
    return std::nullopt;
  }
  return std::string_view(
      PQgetvalue(result, row, column),
      static_cast<std::size_t>(PQgetlength(result, row, column))
  );
}

std::optional<std::int64_t> signed_integer(std::string_view bytes) {
  if (bytes.size() != 2 && bytes.size() != 4 && bytes.size() != 8) return std::nullopt;
  std::uint64_t value = (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0 ? ~0ULL : 0ULL;
  for (const char byte : bytes)
    value = (value << 8U) | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(value);
}

}  // namespace

QueryParameter int4_parameter(std::int32_t value) {
  return {kInt4, big_endian(static_cast<std::uint32_t>(value), 4)};
}

QueryParameter int8_parameter(std::int64_t value) {
  return {kInt8, big_endian(static_cast<std::uint64_t>(value), 8)};
}

QueryParameter text_parameter(std::string_view value) {
  return {kText, std::string(value)};
}

QueryParameter bool_parameter(bool value) {
  return {kBool, std::string(1, value ? '\1' : '\0')};
}

QueryParameter timestamptz_parameter(std::optional<PgTimestamp> value) {
  if (!value) return {kTimestamptz, std::nullopt};
  return {kTimestamptz, big_endian(static_cast<std::uint64_t>(value->micros), 8)};
}

QueryResult::QueryResult() : impl_(std::make_unique<Impl>()) {}

QueryResult::QueryResult(QueryResult&&) noexcept = default;
QueryResult& QueryResult::operator=(QueryResult&&) noexcept = default;
QueryResult::~QueryResult() = default;

int QueryResult::rows() const {
  return PQntuples(impl_->result.get());
}

bool QueryResult::is_null(int row, int column) const {
  return !value_at(impl_->result.get(), row, column);
}

std::optional<std::string> QueryResult::text(int row, int column) const {
  const auto bytes = value_at(impl_->result.get(), row, column);
  if (!bytes) return std::nullopt;
  return std::string(*bytes);
}

std::optional<std::int64_t> QueryResult::integer(int row, int column) const {
  const auto bytes = value_at(impl_->result.get(), row, column);
  return bytes ? signed_integer(*bytes) : std::nullopt;
}

std::optional<bool> QueryResult::boolean(int row, int column) const {
  const auto bytes = value_at(impl_->result.get(), row, column);
  if (!bytes || bytes->size() != 1) return std::nullopt;
  return bytes->front() != '\0';
}

std::optional<PgTimestamp> QueryResult::timestamp(int row, int column) const {
  const auto bytes = value_at(impl_->result.get(), row, column);
  if (!bytes || bytes->size() != sizeof(std::int64_t)) return std::nullopt;
  return PgTimestamp{*signed_integer(*bytes)};
}

const std::vector<std::string>& QueryResult::notices() const {
  return impl_->notices;
}

}  // namespace pghang
