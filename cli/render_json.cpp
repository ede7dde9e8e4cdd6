// The modes json and jsonl.
#include <vector>

#include "cli/render.hpp"
#include "cli/value_text.hpp"

namespace libsql::cli {
namespace {

class JsonRenderer final : public Renderer {
 public:
  using Renderer::Renderer;

  void begin(std::span<const std::string> names) override {
    for (const std::string& name : names) {
      std::string key;
      append_json_string(key, name);
      keys_.push_back(key + ":");
    }
  }

  void row(std::span<const ValueRef> values) override {
    line_.clear();
    if (settings_.mode == OutputMode::Json) line_ += first_ ? "[" : ",\n";
    first_ = false;
    line_ += '{';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) line_ += ',';
      line_ += keys_[i];
      append_json(line_, values[i]);
    }
    line_ += '}';
    if (settings_.mode == OutputMode::JsonLines) line_ += '\n';
    output_.write(line_);
  }

  void end() override {
    if (settings_.mode == OutputMode::Json && !first_) output_.write("]\n");
  }

 private:
  std::vector<std::string> keys_;
  std::string line_;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<Renderer> make_json_renderer(const OutputSettings& settings, Output& output) {
  return std::make_unique<JsonRenderer>(settings, output);
}

}  // namespace libsql::cli
