// Turning the rows of a result into text, one class per family of output modes.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <libsql/value.hpp>

#include "cli/output.hpp"
#include "cli/output_settings.hpp"

namespace libsql::cli {

/// Prints one result: begin() once, row() for every row, end() once, also when the query failed half-way, so that the
/// rows read so far are seen.
class Renderer {
 public:
  explicit Renderer(const OutputSettings& settings, Output& output) : settings_(settings), output_(output) {}
  Renderer(const Renderer&) = delete;
  Renderer& operator=(const Renderer&) = delete;
  virtual ~Renderer() = default;

  virtual void begin(std::span<const std::string> names) = 0;
  /// The values are valid only during the call.
  virtual void row(std::span<const ValueRef> values) = 0;
  virtual void end() = 0;

 protected:
  const OutputSettings& settings_;
  Output& output_;
};

/// `settings` and `output` must outlive the renderer.
std::unique_ptr<Renderer> make_renderer(const OutputSettings& settings, Output& output);

/// One per family, each in a file of its own.
std::unique_ptr<Renderer> make_delimited_renderer(const OutputSettings& settings, Output& output);
std::unique_ptr<Renderer> make_json_renderer(const OutputSettings& settings, Output& output);
std::unique_ptr<Renderer> make_columnar_renderer(const OutputSettings& settings, Output& output);
std::unique_ptr<Renderer> make_line_renderer(const OutputSettings& settings, Output& output);
std::unique_ptr<Renderer> make_html_renderer(const OutputSettings& settings, Output& output);
std::unique_ptr<Renderer> make_sql_renderer(const OutputSettings& settings, Output& output);

}  // namespace libsql::cli
