/// \file
/// The time of one call that runs several statements or reads many rows. Internal.
#pragma once

#include <libsql/detail/backend_fwd.hpp>
#include <libsql/export.hpp>

namespace libsql::detail {

/// While it lives, deadline and interrupts are for all that the session does. Null: does nothing.
class LIBSQL_EXPORT CallScope final {
 public:
  explicit CallScope(core::Session* session) noexcept;
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  ~CallScope();

 private:
  core::Session* session_;
};

}  // namespace libsql::detail
