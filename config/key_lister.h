#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"

namespace pghang {

/// A visitor of a schema (config/schema.h) that notes every key it is shown.
class KeyLister {
 public:
  KeyLister(std::string prefix, std::vector<std::string>& keys)
      : prefix_(std::move(prefix)),
        keys_(keys) {}

  template <typename... Rest>
  void duration(const char* key, Rest&&...) {
    note(key);
  }

  template <typename... Rest>
  void number(const char* key, Rest&&...) {
    note(key);
  }

  template <typename... Rest>
  void size(const char* key, Rest&&...) {
    note(key);
  }

  template <typename... Rest>
  void choice(const char* key, Rest&&...) {
    note(key);
  }

  template <typename... Rest>
  void each(const char* key, Rest&&...) {
    note(key);
  }

  template <typename... Rest>
  void choices(const char* key, Rest&&...) {
    note(key);
  }

  template <typename... Rest>
  void criterion(const char* key, Rest&&...) {
    note(key);
  }

  template <typename Flag>
  void flag(const char* key, Flag&) {
    note(key);
  }

  void text(const char* key, std::string&) { note(key); }

  template <typename Texts>
  void texts(const char* key, Texts&) {
    note(key);
  }

  void block(const char* key, std::string&) { note(key); }

  template <typename Named>
  void named_texts(const char* key, std::vector<Named>&) {
    note(key);
  }

  template <typename Section>
  void section(const char* key, Section& section) {
    note(key);
    KeyLister inner(prefix_ + key + ".", keys_);
    describe(inner, section);
  }

  template <typename Section>
  void list(const char* key, std::vector<Section>&) {
    note(key);
    Section element;
    KeyLister inner(prefix_ + key + "[].", keys_);
    describe(inner, element);
  }

  /// A list in place of another one: its elements have the keys of that.
  template <typename Section>
  void list(const char* key, std::optional<std::vector<Section>>&) {
    note(key);
  }

 private:
  void note(const char* key) { keys_.push_back(prefix_ + key); }

  std::string prefix_;
  std::vector<std::string>& keys_;
};

}  // namespace pghang
