#pragma once

#include <string>
#include <vector>

#include "exporters/store/records.h"

namespace pghang {

/// `pghangd incidents audit --json`: the signals that were sent, in the order given.
[[nodiscard]] std::string signals_json(const std::vector<SignalRecord>& signals);

}  // namespace pghang
