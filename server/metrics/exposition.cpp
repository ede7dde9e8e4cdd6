#include "server/metrics/exposition.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace libsql::server {
namespace {

void append_label_value(std::string& out, std::string_view value) {
  for (const char character : value) {
    if (character == '\\' || character == '"') out += '\\';
    if (character == '\n') {
      out += "\\n";
    } else {
      out += character;
    }
  }
}

std::string_view number_text(std::array<char, 40>& buffer, double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

}  // namespace

void Exposition::begin(std::string_view name, Kind kind, std::string_view help) {
  constexpr std::array<std::string_view, 3> kKinds = {"counter", "gauge", "histogram"};
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ");
  text_.append(kKinds[static_cast<std::size_t>(kind)]).append("\n");
}

void Exposition::sample(std::uint64_t value, MetricLabels labels) {
  append_series({}, labels);
  append_value(value);
}

void Exposition::sample(double value, MetricLabels labels) {
  append_series({}, labels);
  append_value(value);
}

void Exposition::histogram(std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum,
                           MetricLabels labels) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    total += counts[i];
    std::array<char, 40> buffer;
    append_series("_bucket", labels, number_text(buffer, bounds[i]));
    append_value(total);
  }
  total += counts[bounds.size()];
  append_series("_bucket", labels, "+Inf");
  append_value(total);
  append_series("_sum", labels);
  append_value(sum);
  append_series("_count", labels);
  append_value(total);
}

void Exposition::append_series(std::string_view suffix, MetricLabels labels, std::string_view bound) {
  text_.append(name_).append(suffix);
  char separator = '{';
  const auto append_label = [&](std::string_view name, std::string_view value) {
    text_ += separator;
    text_.append(name).append("=\"");
    append_label_value(text_, value);
    text_ += '"';
    separator = ',';
  };
  for (const auto& [name, value] : labels) append_label(name, value);
  if (!bound.empty()) append_label("le", bound);
  if (separator == ',') text_ += '}';
  text_ += ' ';
}

void Exposition::append_value(double value) {
  std::array<char, 40> buffer;
  text_.append(number_text(buffer, value)).append("\n");
}

void Exposition::append_value(std::uint64_t value) { text_.append(std::to_string(value)).append("\n"); }

}  // namespace libsql::server
