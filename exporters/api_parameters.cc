#include "exporters/api_parameters.h"

#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include "config/units.h"
#include "exporters/http/query_string.h"
#include "exporters/parse_time.h"

namespace pghang {
namespace {

using Values = std::map<std::string, std::string>;

constexpr const char* kCursor = "cursor";

std::string listed(const std::vector<std::string>& names, const char* last) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? last : ", ";
    text += names[i];
  }
  return text;
}

/// Takes one parameter after the other, and keeps the first problem.
class Parameters {
 public:
  explicit Parameters(std::string_view query) {
    Result<Values> parsed = parse_query(query);
    if (parsed) {
      values_ = *std::move(parsed);
    } else {
      problem_ = parsed.error().context;
    }
  }

  /// The value, which is not empty; nothing when the parameter is not there.
  std::optional<std::string> take(const std::string& name) {
    known_.push_back(name);
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    std::string value = std::move(found->second);
    values_.erase(found);
    if (value.empty()) wrong(name, "is empty");
    return value;
  }

  void wrong(const std::string& name, const std::string& allowed) {
    if (problem_.empty()) problem_ = name + ": " + allowed;
  }

  void text(const char* name, std::string& out) { out = take(name).value_or(""); }

  /// One of the enumerators up to `last`.
  template <typename Enum>
  void spelled(const char* name, std::optional<Enum>& out, Enum last) {
    const auto value = take(name);
    if (!value) return;
    std::vector<std::string> spellings;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      spellings.emplace_back(to_string(static_cast<Enum>(i)));
      if (*value == spellings.back()) out = static_cast<Enum>(i);
    }
    if (!out) wrong(name, listed(spellings, " or "));
  }

  void either(const char* name, std::optional<bool>& out, const char* yes, const char* no) {
    const auto value = take(name);
    if (!value) return;
    if (*value == yes || *value == no) {
      out = *value == yes;
    } else {
      wrong(name, std::string(yes) + " or " + no);
    }
  }

  void count(const char* name, std::size_t& out) {
    const auto value = take(name);
    if (!value) return;
    const char* const end = value->data() + value->size();
    const auto [rest, failed] = std::from_chars(value->data(), end, out);
    if (failed != std::errc{} || rest != end || out == 0) wrong(name, "a whole number from 1");
  }

  void moment(const char* name, std::optional<std::int64_t>& out, std::int64_t now_micros) {
    const auto value = take(name);
    if (!value) return;
    out = parse_rfc3339(*value);
    if (out) return;
    const Result<Duration> ago = parse_duration(*value);
    if (ago) {
      out = now_micros - std::chrono::microseconds(*ago).count();
    } else {
      wrong(name, "a time like 2026-11-22T15:12:03Z, or how long ago, like 2h");
    }
  }

  /// The problem, if there was one: what nobody took is one too.
  [[nodiscard]] Result<void> finish() {
    if (!values_.empty()) {
      const std::string there_is = known_.size() == 1 ? "there is " : "there are ";
      wrong(
          values_.begin()->first,
          "unknown parameter; " +
              (known_.empty() ? "there is none" : there_is + listed(known_, " and "))
      );
    }
    if (problem_.empty()) return {};
    return Error{Errc::malformed, problem_};
  }

 private:
  Values values_;
  std::vector<std::string> known_;
  std::string problem_;
};

template <typename Query>
Result<Query> finished(Parameters& parameters, Query query) {
  if (const Result<void> end = parameters.finish(); !end) return end.error();
  return query;
}

}  // namespace

Result<IncidentsQuery> incidents_query(std::string_view query, std::int64_t now_micros) {
  Parameters parameters(query);
  IncidentsQuery wanted;
  IncidentFilter& filter = wanted.filter;
  parameters.count("limit", wanted.paging.limit);
  if (const auto cursor = parameters.take(kCursor)) {
    wanted.paging.after = position_of(*cursor);
    if (!wanted.paging.after) parameters.wrong(kCursor, "what `next` of an earlier answer said");
  }
  parameters.either("state", filter.open, "open", "resolved");
  parameters.text("target", filter.target);
  parameters.text("rule", filter.rule);
  parameters.text("database", filter.database);
  parameters.text("user", filter.user);
  parameters.text("fingerprint", filter.fingerprint);
  parameters.spelled("cause", filter.cause, Cause::unknown);
  parameters.spelled("gate", filter.gate, Gate::exit);
  parameters.moment("since", filter.since_micros, now_micros);
  parameters.moment("until", filter.until_micros, now_micros);
  return finished(parameters, std::move(wanted));
}

Result<BackendFilter> backends_query(std::string_view query) {
  Parameters parameters(query);
  BackendFilter filter;
  parameters.text("target", filter.target);
  parameters.text("rule", filter.rule);
  parameters.spelled("stage", filter.stage, Stage::unresponsive);
  parameters.either("exempt", filter.exempt, "true", "false");
  return finished(parameters, std::move(filter));
}

Result<FingerprintsQuery> fingerprints_query(std::string_view query) {
  Parameters parameters(query);
  FingerprintsQuery wanted;
  parameters.text("target", wanted.filter.target);
  parameters.spelled("cause", wanted.filter.cause, Cause::unknown);
  std::optional<FingerprintOrder> order;
  parameters.spelled("sort", order, FingerprintOrder::latest);
  wanted.order = order.value_or(FingerprintOrder::backends);
  return finished(parameters, std::move(wanted));
}

Result<bool> wants_text(std::string_view query) {
  Parameters parameters(query);
  std::optional<bool> text;
  parameters.either("format", text, "text", "json");
  return finished(parameters, text.value_or(false));
}

Result<void> no_parameters(std::string_view query) {
  return Parameters(query).finish();
}

std::string with_cursor(std::string_view query, const std::string& cursor) {
  Result<Values> parsed = parse_query(query);
  Values values = parsed ? *std::move(parsed) : Values{};
  values[kCursor] = cursor;
  std::string text;
  for (const auto& [name, value] : values) {
    text += text.empty() ? '?' : '&';
    text += query_encoded(name) + '=' + query_encoded(value);
  }
  return text;
}

}  // namespace pghang
