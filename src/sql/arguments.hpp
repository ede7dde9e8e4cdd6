// The rules by which arguments meet parameters, and what is said when they do not: one text for statements of the
// engine and for those that are sent to a server.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/params.hpp>
#include <libsql/value.hpp>

namespace libsql::sql {

// What the rules ask of a statement's parameters, by a class of this shape:
//
//     int count() const;                             // the largest number
//     std::string_view name(int number) const;       // with its prefix; empty for a plain `?` and for a gap
//     int number(std::string_view name) const;       // 0: none; a NUL follows the name
//     bool uses(int number) const;                   // whether it is no gap
//     std::string_view sql() const;                  // for errors

[[noreturn]] void throw_argument_count(int wanted, std::size_t given, std::string_view sql);
/// `name` is that of the first parameter without an argument; empty: it has none.
[[noreturn]] void throw_argument_count(int wanted, std::size_t given, std::string_view name, std::string_view sql);
[[noreturn]] void throw_no_parameter(std::string_view name, std::string_view sql);
[[noreturn]] void throw_no_parameter(int number, int count, std::string_view sql);
[[noreturn]] void throw_ambiguous(std::string_view name, std::string_view one, std::string_view other,
                                  std::string_view sql);
[[noreturn]] void throw_two_arguments(std::string_view name, std::string_view sql);
[[noreturn]] void throw_no_argument(std::string_view name, int number, std::string_view sql);
[[noreturn]] void throw_empty_name(std::string_view sql);
/// The engine would store NULL; nothing becomes NULL unasked.
[[noreturn]] void throw_not_a_number(int number, std::string_view sql);

/// The number of the parameter that a user means by a name: with its prefix, without it, or a number in digits. 0 if
/// there is none. Throws Misuse if the name is empty or can mean two.
template <class Parameters>
int parameter_number(const Parameters& parameters, std::string_view name) {
  if (name.empty()) throw_empty_name(parameters.sql());
  if (name.find('\0') != std::string_view::npos) return 0;
  std::array<char, 64> small;
  std::string large;
  char* text = small.data();
  if (name.size() + 2 > small.size()) {
    large.resize(name.size() + 2);
    text = large.data();
  }
  text[1 + name.copy(text + 1, name.size())] = '\0';
  if (name[0] == ':' || name[0] == '@' || name[0] == '$' || name[0] == '?') {
    return parameters.number({text + 1, name.size()});
  }
  const std::string_view prefixed(text, name.size() + 1);
  if (name.find_first_not_of("0123456789") == std::string_view::npos) {
    text[0] = '?';
    return parameters.number(prefixed);
  }
  int found = 0;
  for (const char prefix : {':', '@', '$'}) {
    text[0] = prefix;
    const int candidate = parameters.number(prefixed);
    if (candidate == 0) continue;
    if (found != 0) throw_ambiguous(name, parameters.name(found), prefixed, parameters.sql());
    found = candidate;
  }
  return found;
}

/// Which parameters have their argument.
class Given {
 public:
  explicit Given(std::size_t count) : large_(count > 64 ? count : 0) {}
  /// False if it had one already. Numbers from 1.
  bool mark(int number) {
    const auto i = static_cast<std::size_t>(number) - 1;
    if (has(number)) return false;
    if (large_.empty()) {
      small_ |= std::uint64_t{1} << i;
    } else {
      large_[i] = true;
    }
    return true;
  }
  bool has(int number) const {
    const auto i = static_cast<std::size_t>(number) - 1;
    return large_.empty() ? (small_ >> i & 1) != 0 : large_[i];
  }

 private:
  std::uint64_t small_ = 0;
  std::vector<bool> large_;
};

/// Gives each parameter its argument: `give(number, value)`, first those by position, then those by name. Throws Misuse
/// unless each has exactly one.
template <class Parameters, class Give>
void give_arguments(const Parameters& parameters, const libsql::detail::ParamsView& params, Give&& give) {
  const int count = parameters.count();
  const std::size_t positional = params.positional.size();
  if (params.named.empty() && positional != static_cast<std::size_t>(count)) {
    const bool fewer = positional < static_cast<std::size_t>(count);
    throw_argument_count(count, positional,
                         fewer ? parameters.name(static_cast<int>(positional) + 1) : std::string_view(),
                         parameters.sql());
  }
  if (positional > static_cast<std::size_t>(count)) throw_argument_count(count, positional, parameters.sql());
  Given given(static_cast<std::size_t>(count));
  int number = 0;
  for (const ValueRef& value : params.positional) {
    given.mark(++number);
    give(number, value);
  }
  for (const libsql::detail::NamedRef& argument : params.named) {
    const int meant = parameter_number(parameters, argument.name);
    if (meant == 0) throw_no_parameter(argument.name, parameters.sql());
    if (!given.mark(meant)) throw_two_arguments(parameters.name(meant), parameters.sql());
    give(meant, argument.value);
  }
  for (int i = static_cast<int>(positional) + 1; i <= count; ++i) {
    if (given.has(i)) continue;
    const std::string_view name = parameters.name(i);
    // A number below `?5` that nothing uses wants no argument.
    if (!name.empty() || parameters.uses(i)) throw_no_argument(name, i, parameters.sql());
  }
}

}  // namespace libsql::sql
