#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>

namespace pghang {

/// Which attempts to log in were tried before, and how they ended. Bounded, the oldest go first;
/// those that failed never push out one that succeeded: who guesses does not make others pay.
class LoginMemory {
 public:
  explicit LoginMemory(std::size_t most_of_each) : most_(most_of_each) {}

  [[nodiscard]] std::optional<bool> find(const std::string& attempt) const {
    if (accepted_.known.contains(attempt)) return true;
    if (refused_.known.contains(attempt)) return false;
    return std::nullopt;
  }

  void keep(const std::string& attempt, bool accepted) {
    Half& half = accepted ? accepted_ : refused_;
    if (!half.known.insert(attempt).second) return;
    half.by_age.push_back(attempt);
    if (half.by_age.size() <= most_) return;
    half.known.erase(half.by_age.front());
    half.by_age.pop_front();
  }

 private:
  struct Half {
    std::unordered_set<std::string> known;
    std::deque<std::string> by_age;
  };

  std::size_t most_;
  Half accepted_;
  Half refused_;
};

}  // namespace pghang
