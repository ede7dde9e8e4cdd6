// The text format that Prometheus reads (https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace libsql::server {

using MetricLabels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Builds the text family by family: begin() once for each name, then its samples.
class Exposition final {
 public:
  enum class Kind : std::uint8_t { Counter, Gauge, Histogram };

  void begin(std::string_view name, Kind kind, std::string_view help);
  void sample(std::uint64_t value, MetricLabels labels = {});
  void sample(double value, MetricLabels labels = {});
  /// A histogram: the number of observations in each bucket. Bucket i ends at bounds[i]; one more holds all larger
  /// ones.
  void histogram(std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum,
                 MetricLabels labels = {});

  /// For a family with a single sample.
  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    begin(name, Kind::Counter, help);
    sample(value);
  }
  void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    begin(name, Kind::Gauge, help);
    sample(value);
  }

  std::string take() { return std::move(text_); }

 private:
  void append_series(std::string_view suffix, MetricLabels labels, std::string_view bound = {});
  void append_value(double value);
  void append_value(std::uint64_t value);

  std::string text_;
  std::string name_;
};

}  // namespace libsql::server
