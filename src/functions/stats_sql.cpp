// Aggregates: median and percentiles, standard deviation and variance. Names and results are those of sqld's functions.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "functions/arguments.hpp"
#include "functions/register.hpp"
#include "functions/target.hpp"

namespace libsql::functions {
namespace {

/// The state of one group, made at its first row. The engine keeps the pointer, and calls the final function in any
/// case.
template <class State>
State* state_of(sqlite3_context* context, bool make) {
  auto** place = static_cast<State**>(sqlite3_aggregate_context(context, make ? static_cast<int>(sizeof(State*)) : 0));
  if (place == nullptr) {
    if (make) throw std::bad_alloc();
    return nullptr;
  }
  if (*place == nullptr && make) *place = new State;
  return *place;
}

bool is_number(sqlite3_value* value) noexcept {
  const int type = sqlite3_value_numeric_type(value);
  return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

// -- variance: one pass, by Welford's recurrence, which does not lose digits to large means

struct Moments {
  std::int64_t count = 0;
  double mean = 0, squares = 0;
};

void add_moment(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    Moments& moments = *state_of<Moments>(context, true);
    if (!is_number(arguments[0])) return;
    const double value = sqlite3_value_double(arguments[0]);
    ++moments.count;
    const double difference = value - moments.mean;
    moments.mean += difference / static_cast<double>(moments.count);
    moments.squares += difference * (value - moments.mean);
  });
}

enum class Of : std::uint8_t { Sample, Population };

template <Of of, bool root>
void finish_moments(sqlite3_context* context) noexcept {
  guarded_work(context, [&] {
    const std::unique_ptr<Moments> moments(state_of<Moments>(context, false));
    if (moments == nullptr || moments->count == 0) return;
    const auto divisor = static_cast<double>(of == Of::Population ? moments->count : moments->count - 1);
    const double variance = moments->count == 1 ? 0.0 : moments->squares / divisor;
    sqlite3_result_double(context, root ? std::sqrt(variance) : variance);
  });
}

// -- percentiles: all numbers of the group

struct Numbers {
  std::vector<double> values;
  double percent = 50;
  bool given = false;
};

// Of 16 bytes a number, the engine's limit for a text or blob is the limit for a group.
template <int fixed>
void add_number(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    Numbers& numbers = *state_of<Numbers>(context, true);
    double percent = fixed;
    if (count == 2) {
      percent = is_number(arguments[1]) ? sqlite3_value_double(arguments[1]) : -1;
      if (!(percent >= 0 && percent <= 100)) {
        throw std::runtime_error("2nd argument to percentile() is not a number between 0.0 and 100.0");
      }
    }
    if (numbers.given && percent != numbers.percent) {
      throw std::runtime_error("2nd argument to percentile() is not the same for all input rows");
    }
    numbers.percent = percent;
    numbers.given = true;
    if (is_null(arguments[0])) return;
    if (!is_number(arguments[0])) throw std::runtime_error("1st argument to percentile() is not numeric");
    const double value = sqlite3_value_double(arguments[0]);
    if (std::isinf(value)) throw std::runtime_error("Inf input to percentile()");
    if (numbers.values.size() >= longest_result(context) / 16) throw TooBig();
    numbers.values.push_back(value);
  });
}

void finish_percentile(sqlite3_context* context) noexcept {
  guarded_work(context, [&] {
    const std::unique_ptr<Numbers> numbers(state_of<Numbers>(context, false));
    if (numbers == nullptr || numbers->values.empty()) return;
    std::vector<double>& values = numbers->values;
    const double place = numbers->percent / 100 * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(below);
    std::nth_element(values.begin(), nth, values.end());
    const double low = *nth;
    const double high = below + 1 < values.size() ? *std::min_element(nth + 1, values.end()) : low;
    sqlite3_result_double(context, low + (high - low) * (place - static_cast<double>(below)));
  });
}

}  // namespace

int register_stats_functions(const Target& target) noexcept {
  const struct {
    const char *name, *alias;
    int arity;
    void (*step)(sqlite3_context*, int, sqlite3_value**);
    void (*finish)(sqlite3_context*);
  } definitions[] = {
      {"stats_stddev", "stddev", 1, add_moment, finish_moments<Of::Sample, true>},
      {"stats_stddev_samp", "stddev_samp", 1, add_moment, finish_moments<Of::Sample, true>},
      {"stats_stddev_pop", "stddev_pop", 1, add_moment, finish_moments<Of::Population, true>},
      {"stats_var", "variance", 1, add_moment, finish_moments<Of::Sample, false>},
      {"stats_var_samp", "var_samp", 1, add_moment, finish_moments<Of::Sample, false>},
      {"stats_var_pop", "var_pop", 1, add_moment, finish_moments<Of::Population, false>},
      {"stats_median", "median", 1, add_number<50>, finish_percentile},
      {"stats_perc", "percentile", 2, add_number<50>, finish_percentile},
      {"stats_p25", "percentile_25", 1, add_number<25>, finish_percentile},
      {"stats_p75", "percentile_75", 1, add_number<75>, finish_percentile},
      {"stats_p90", "percentile_90", 1, add_number<90>, finish_percentile},
      {"stats_p95", "percentile_95", 1, add_number<95>, finish_percentile},
      {"stats_p99", "percentile_99", 1, add_number<99>, finish_percentile},
  };
  for (const auto& definition : definitions) {
    for (const char* name : {definition.name, definition.alias}) {
      const int code =
          target.add({name, definition.arity, nullptr, kRandomFunction, definition.step, definition.finish});
      if (code != SQLITE_OK) return code;
    }
  }
  return SQLITE_OK;
}

}  // namespace libsql::functions
