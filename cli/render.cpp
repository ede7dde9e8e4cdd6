#include "cli/render.hpp"

namespace libsql::cli {
namespace {

// For statements that are run for their effects, or their time.
class NoRenderer final : public Renderer {
 public:
  using Renderer::Renderer;
  void begin(std::span<const std::string>) override {}
  void row(std::span<const ValueRef>) override {}
  void end() override {}
};

}  // namespace

std::unique_ptr<Renderer> make_renderer(const OutputSettings& settings, Output& output) {
  switch (settings.mode) {
    case OutputMode::List:
    case OutputMode::Csv:
    case OutputMode::Tabs:
    case OutputMode::Ascii:
    case OutputMode::Tcl:
      return make_delimited_renderer(settings, output);
    case OutputMode::Off:
      return std::make_unique<NoRenderer>(settings, output);
    case OutputMode::Json:
    case OutputMode::JsonLines:
      return make_json_renderer(settings, output);
    case OutputMode::Line:
      return make_line_renderer(settings, output);
    case OutputMode::Html:
      return make_html_renderer(settings, output);
    case OutputMode::Insert:
    case OutputMode::Quote:
      return make_sql_renderer(settings, output);
    case OutputMode::Column:
    case OutputMode::Table:
    case OutputMode::Box:
    case OutputMode::Markdown:
      break;
  }
  return make_columnar_renderer(settings, output);
}

}  // namespace libsql::cli
