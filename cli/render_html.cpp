// The mode html: rows of a table, without the table element itself.
#include "cli/render.hpp"
#include "cli/value_text.hpp"

namespace libsql::cli {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char byte : text) {
    switch (byte) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += byte;
    }
  }
}

class HtmlRenderer final : public Renderer {
 public:
  using Renderer::Renderer;

  void begin(std::span<const std::string> names) override { names_ = names; }

  void row(std::span<const ValueRef> values) override {
    text_.clear();
    if (first_ && settings_.headers) {
      text_ += "<TR>";
      for (const std::string& name : names_) cell("TH", name);
      text_ += "</TR>\n";
    }
    first_ = false;
    text_ += "<TR>";
    for (const ValueRef value : values) {
      value_.clear();
      append_readable(value_, value, settings_.null_value);
      cell("TD", value_);
    }
    text_ += "</TR>\n";
    output_.write(text_);
  }

  void end() override {}

 private:
  void cell(std::string_view element, std::string_view content) {
    text_.append("<").append(element).append(">");
    append_escaped(text_, content);
    text_.append("</").append(element).append(">\n");
  }

  std::span<const std::string> names_;
  std::string text_;
  std::string value_;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<Renderer> make_html_renderer(const OutputSettings& settings, Output& output) {
  return std::make_unique<HtmlRenderer>(settings, output);
}

}  // namespace libsql::cli
