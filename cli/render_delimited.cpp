// The modes list, tabs, ascii, csv and tcl: values with separators between them.
#include "cli/render.hpp"
#include "cli/value_text.hpp"

namespace libsql::cli {
namespace {

class DelimitedRenderer final : public Renderer {
 public:
  using Renderer::Renderer;

  void begin(std::span<const std::string> names) override { names_ = names; }

  void row(std::span<const ValueRef> values) override {
    line_.clear();
    if (first_ && settings_.headers) {
      for (std::size_t i = 0; i < names_.size(); ++i) {
        if (i > 0) line_ += settings_.column_separator;
        append_field(names_[i]);
      }
      line_ += settings_.row_separator;
    }
    first_ = false;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) line_ += settings_.column_separator;
      if (settings_.mode == OutputMode::Tcl) {
        field_.clear();
        append_plain(field_, values[i], settings_.null_value);
        append_field(field_);
      } else if (values[i].is_null() || settings_.mode != OutputMode::Csv) {
        append_plain(line_, values[i], settings_.null_value);
      } else {
        field_.clear();
        append_plain(field_, values[i], {});
        append_field(field_);
      }
    }
    line_ += settings_.row_separator;
    output_.write(line_);
  }

  void end() override {}

 private:
  void append_field(std::string_view text) {
    if (settings_.mode == OutputMode::Tcl) return append_c_string(line_, text);
    if (settings_.mode != OutputMode::Csv || !needs_quotes(text)) {
      line_ += text;
      return;
    }
    line_ += '"';
    for (const char byte : text) {
      line_ += byte;
      if (byte == '"') line_ += '"';
    }
    line_ += '"';
  }

  // RFC 4180 asks for quotes around separators, quotes and line breaks; spaces, apostrophes and bytes above 0x7E get
  // them too, as some readers stumble over these.
  bool needs_quotes(std::string_view text) const {
    if (text.empty()) return true;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte <= 0x20 || byte == '"' || byte == '\'' || byte >= 0x7F) return true;
    }
    return text.find(settings_.column_separator) != std::string_view::npos;
  }

  std::span<const std::string> names_;
  std::string line_;
  std::string field_;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<Renderer> make_delimited_renderer(const OutputSettings& settings, Output& output) {
  return std::make_unique<DelimitedRenderer>(settings, output);
}

}  // namespace libsql::cli
