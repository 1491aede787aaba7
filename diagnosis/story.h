#pragma once

#include "diagnosis/explanations.h"
#include "diagnosis/facts.h"
#include "diagnosis/place.h"
#include "diagnosis/text.h"
#include "diagnosis/verdict.h"

namespace pghang {

/// Which words explain a cause, given what else the evidence shows.
[[nodiscard]] Story
story_of(Cause cause, const Evidence& evidence, const Facts& facts, const Place& place);

/// A value for each of kPlaceholders that the evidence has one for.
[[nodiscard]] text::Values
values_of(const Evidence& evidence, const Facts& facts, const Place& place);

}  // namespace pghang
