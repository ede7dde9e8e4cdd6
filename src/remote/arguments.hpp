// The arguments of a statement, checked here as a local database checks them and put into the form that travels.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <libsql/params.hpp>

#include "core/arena.hpp"
#include "core/backend.hpp"
#include "remote/text.hpp"

namespace libsql::remote {

/// The number of the parameter of that name, prefix optional; 0 if there is none. Throws Misuse if it is ambiguous.
int resolve_name(const Text& text, std::string_view name);

/// Views of the caller's arguments in the order and with the names that the server wants.
class Arguments {
 public:
  /// Throws Misuse if arguments are missing, left over, unknown or given twice; OutOfRange for NaN. `params` must
  /// outlive it.
  Arguments(const Text& text, const core::ParamsView& params);
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  detail::ParamsView view() const noexcept { return view_; }

 private:
  detail::ParamsView view_;
  std::vector<ValueRef> list_;
  std::vector<detail::NamedRef> names_;
};

/// A copy that lasts as long as the arena.
detail::ParamsView copy(const detail::ParamsView& params, core::Arena& arena);
/// The bytes that arguments take on the way, about.
std::size_t bytes_of(const detail::ParamsView& params) noexcept;

/// Why the encoder refused them: throws OutOfRange that names the argument, if one is at fault.
void throw_if_not_sendable(const Text& text, const detail::ParamsView& params, bool json);

/// The statement with literals in the place of its parameters.
std::string expand(const Text& text, const core::ParamsView& params);

}  // namespace libsql::remote
