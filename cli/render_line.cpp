// The mode line: one `name = value` per line.
#include <algorithm>

#include "cli/render.hpp"
#include "cli/style.hpp"
#include "cli/text_width.hpp"
#include "cli/value_text.hpp"

namespace libsql::cli {
namespace {

class LineRenderer final : public Renderer {
 public:
  using Renderer::Renderer;

  void begin(std::span<const std::string> names) override {
    names_ = names;
    constexpr int kLeast = 5;
    width_ = kLeast;
    for (const std::string& name : names) width_ = std::max(width_, text_width(name));
  }

  void row(std::span<const ValueRef> values) override {
    text_.clear();
    if (!first_) text_ += settings_.row_separator;
    first_ = false;
    for (std::size_t i = 0; i < values.size(); ++i) {
      text_.append(static_cast<std::size_t>(width_ - text_width(names_[i])), ' ');
      if (settings_.colour) text_ += style::kBold;
      text_ += names_[i];
      if (settings_.colour) text_ += style::kPlain;
      text_ += " = ";
      append_readable(text_, values[i], settings_.null_value);
      text_ += settings_.row_separator;
    }
    output_.write(text_);
  }

  void end() override {}

 private:
  std::span<const std::string> names_;
  std::string text_;
  int width_ = 0;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<Renderer> make_line_renderer(const OutputSettings& settings, Output& output) {
  return std::make_unique<LineRenderer>(settings, output);
}

}  // namespace libsql::cli
