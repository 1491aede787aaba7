#include "config/yaml_tree.h"

#include <algorithm>
#include <exception>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace pghang {

namespace {

/// Builds the tree from the parser's events. Events, not YAML::Node: that keeps one of two equal
/// keys, and copies an alias as often as it is used.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Problems& problems) : problems_(problems) {}

  [[nodiscard]] YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) refuse(mark, "a second document; write one only");
  }

  void OnDocumentEnd() override {}

  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    refuse(mark, "anchors (&name) are not supported; quote the value");
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add(node(YamlNode::Kind::null, mark));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (*name) are not supported; write the value out, or quote it");
    add(node(YamlNode::Kind::null, mark));
  }

  void OnScalar(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t,
      const std::string& value
  ) override {
    check_tag(mark, tag);
    YamlNode scalar = node(YamlNode::Kind::scalar, mark);
    scalar.text = value;
    add(std::move(scalar));
  }

  void OnSequenceStart(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t,
      YAML::EmitterStyle::value
  ) override {
    open(YamlNode::Kind::list, mark, tag);
  }

  void OnSequenceEnd() override { close(); }

  void OnMapStart(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t,
      YAML::EmitterStyle::value
  ) override {
    open(YamlNode::Kind::map, mark, tag);
  }

  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    bool has_key = false;
    YamlNode key;
  };

  static YamlNode node(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode result;
    result.kind = kind;
    result.line = mark.line + 1;
    return result;
  }

  void refuse(const YAML::Mark& mark, std::string message) {
    problems_.add_at(mark.line + 1, "", std::move(message));
  }

  /// yaml-cpp says "?" for a plain value and "!" for a quoted one.
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.size() > 1) refuse(mark, "tags (!name) are not supported; quote the value");
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    check_tag(mark, tag);
    if (open_.size() == kDeepestYaml && too_deep_ == 0) refuse(mark, "nested too deeply");
    if (open_.size() >= kDeepestYaml) {
      ++too_deep_;
      return;
    }
    open_.push_back({.node = node(kind, mark), .has_key = false, .key = {}});
  }

  void close() {
    if (too_deep_ > 0) {
      --too_deep_;
      return;
    }
    YamlNode done = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(done));
  }

  void add(YamlNode value) {
    if (too_deep_ > 0) return;
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::list) {
      parent.node.items.push_back(std::move(value));
    } else if (!parent.has_key) {
      if (value.kind != YamlNode::Kind::scalar)
        problems_.add_at(value.line, "", "a key must be a word");
      parent.key = std::move(value);
      parent.has_key = true;
    } else {
      parent.node.entries.push_back(
          {.key = std::move(parent.key.text), .line = parent.key.line, .value = std::move(value)}
      );
      parent.has_key = false;
    }
  }

  Problems& problems_;
  int documents_ = 0;
  int too_deep_ = 0;
  std::vector<Open> open_;
  YamlNode root_;
};

/// yaml-cpp takes a tab for a part of the value or of the key, and the errors that follow from
/// that do not mention it.
void refuse_tabs(std::string_view text, Problems& problems) {
  int line = 0;
  while (!text.empty()) {
    ++line;
    const std::string_view current = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), current.size() + 1));
    const std::size_t start = current.find_first_not_of(" \t\r");
    const bool blank = start == std::string_view::npos || current[start] == '#';
    if (!blank && current.substr(0, start).find('\t') != std::string_view::npos)
      problems.add_at(line, "", "a tab in the indentation; use spaces");
  }
}

}  // namespace

YamlNode parse_yaml(std::string_view text, Problems& problems) {
  refuse_tabs(text, problems);
  if (!problems.empty()) return {};
  // yaml-cpp takes the end of the file for the end of an open quote, but only after a line end.
  const std::string_view trimmed = text.substr(0, text.find_last_not_of(" \r\n") + 1);
  TreeBuilder builder(problems);
  try {
    std::istringstream stream{std::string(trimmed)};
    YAML::Parser parser(stream);
    while (problems.empty() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    const int line = error.mark.is_null() ? 0 : error.mark.line + 1;
    problems.add_at(
        line,
        "",
        "is not YAML: " + error.msg + "; look at indentation, colons and quotes up to here"
    );
  } catch (const std::exception& error) {
    problems.add_at(0, "", std::string("is not YAML: ") + error.what());
  }
  return builder.take();
}

}  // namespace pghang
