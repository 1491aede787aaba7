#pragma once

#include <cstdint>
#include <string>

#include "exporters/http/http_message.h"

namespace pghang {

/// How an answer goes out, beside what the handler says.
struct ResponseFraming {
  bool http_1_0 = false;
  bool keep_alive = false;
  std::size_t content_length = 0;
  bool varies = false;             ///< with Accept-Encoding
  std::string content_encoding{};  ///< empty: none
};

/// The status line and all fields of an answer, with the empty line behind them: those of the
/// answer, those that every answer has, and `more`, which take the place of ours of the same name.
/// A field of `more` that is no field (RFC 9110 section 5) is left out.
[[nodiscard]] std::string response_header(
    const HttpResponse& response,
    const ResponseFraming& framing,
    const HttpFields& more,
    std::int64_t now_micros
);

}  // namespace pghang
