// sqld's names math_*: what the engine has without the prefix, and ends at the same places.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "functions/arguments.hpp"
#include "functions/register.hpp"
#include "functions/target.hpp"

namespace libsql::functions {
namespace {

constexpr double kPi = 3.14159265358979323846;

bool is_number(sqlite3_value* value) noexcept {
  const int type = sqlite3_value_numeric_type(value);
  return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

// Anything but a number gives NULL, and so does a result that is not one.
void result_number(sqlite3_context* context, double value) noexcept {
  if (!std::isnan(value)) sqlite3_result_double(context, value);
}

template <double (*function)(double)>
void one(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  if (is_number(arguments[0])) result_number(context, function(sqlite3_value_double(arguments[0])));
}

// An integer stays one.
template <double (*function)(double)>
void rounded(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  if (sqlite3_value_numeric_type(arguments[0]) == SQLITE_INTEGER) {
    sqlite3_result_int64(context, sqlite3_value_int64(arguments[0]));
  } else {
    one<function>(context, count, arguments);
  }
}

template <double (*function)(double, double)>
void two(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  if (is_number(arguments[0]) && is_number(arguments[1])) {
    result_number(context, function(sqlite3_value_double(arguments[0]), sqlite3_value_double(arguments[1])));
  }
}

double logarithm(double value) { return value > 0 ? std::log(value) : std::nan(""); }
double logarithm2(double value) { return value > 0 ? std::log2(value) : std::nan(""); }
double logarithm10(double value) { return value > 0 ? std::log10(value) : std::nan(""); }
double logarithm_of(double base, double value) {
  return base > 0 && base != 1 && value > 0 ? std::log(value) / std::log(base) : std::nan("");
}
double to_radians(double value) { return value * (kPi / 180); }
double to_degrees(double value) { return value * (180 / kPi); }

// As the engine's round(): halves away from zero, and with digits by way of the engine's own decimal text.
void round_to_digits(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  if (is_null(arguments[0]) || (count == 2 && is_null(arguments[1]))) return;
  const int digits = count == 2 ? std::clamp(sqlite3_value_int(arguments[1]), 0, 30) : 0;
  double value = sqlite3_value_double(arguments[0]);
  if (std::abs(value) > 4503599627370496.0) {
    // 2^52: above it there is nothing behind the point
  } else if (digits == 0) {
    value = static_cast<double>(static_cast<std::int64_t>(value + std::copysign(0.5, value)));
  } else {
    char* const text = sqlite3_mprintf("%!.*f", digits, value);
    if (text == nullptr) return sqlite3_result_error_nomem(context);
    std::from_chars(text, text + std::strlen(text), value);
    sqlite3_free(text);
  }
  sqlite3_result_double(context, value);
}

void pi(sqlite3_context* context, int /*count*/, sqlite3_value** /*arguments*/) noexcept {
  sqlite3_result_double(context, kPi);
}

}  // namespace

int register_math_functions(const Target& target) noexcept {
  return target.add({
      {"math_ceil", 1, rounded<std::ceil>},   {"math_ceiling", 1, rounded<std::ceil>},
      {"math_floor", 1, rounded<std::floor>}, {"math_trunc", 1, rounded<std::trunc>},
      {"math_ln", 1, one<logarithm>},         {"math_log", 1, one<logarithm10>},
      {"math_log", 2, two<logarithm_of>},     {"math_log10", 1, one<logarithm10>},
      {"math_log2", 1, one<logarithm2>},      {"math_exp", 1, one<std::exp>},
      {"math_pow", 2, two<std::pow>},         {"math_power", 2, two<std::pow>},
      {"math_mod", 2, two<std::fmod>},        {"math_acos", 1, one<std::acos>},
      {"math_asin", 1, one<std::asin>},       {"math_atan", 1, one<std::atan>},
      {"math_atan2", 2, two<std::atan2>},     {"math_cos", 1, one<std::cos>},
      {"math_sin", 1, one<std::sin>},         {"math_tan", 1, one<std::tan>},
      {"math_cosh", 1, one<std::cosh>},       {"math_sinh", 1, one<std::sinh>},
      {"math_tanh", 1, one<std::tanh>},       {"math_acosh", 1, one<std::acosh>},
      {"math_asinh", 1, one<std::asinh>},     {"math_atanh", 1, one<std::atanh>},
      {"math_sqrt", 1, one<std::sqrt>},       {"math_radians", 1, one<to_radians>},
      {"math_degrees", 1, one<to_degrees>},   {"math_pi", 0, pi},
      {"math_round", 1, round_to_digits},     {"math_round", 2, round_to_digits},
  });
}

}  // namespace libsql::functions
