#pragma once

#include <string>
#include <string_view>

#include "exporters/http/http_message.h"

namespace pghang {

/// Quoted, of 64 bits of FNV-1a and the length: equal bodies have equal ones.
[[nodiscard]] std::string etag_of(std::string_view body);

/// If-None-Match (RFC 9110 section 13.1.2): `*`, or a list that has this tag, compared weakly. What
/// does not parse matches nothing.
[[nodiscard]] bool none_match_fails(std::string_view if_none_match, std::string_view etag);

/// A 200 gets its ETag, and becomes a 304 without body where the client has that already. Other
/// answers stay as they are.
[[nodiscard]] HttpResponse revalidated(HttpResponse response, std::string_view if_none_match);

}  // namespace pghang
