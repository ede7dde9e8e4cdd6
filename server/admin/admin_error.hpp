// Why the admin API refuses a request.
#pragma once

#include <stdexcept>
#include <string>

namespace libsql::server {

class AdminError : public std::runtime_error {
 public:
  explicit AdminError(const std::string& message, int status = 400) : std::runtime_error(message), status_(status) {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

}  // namespace libsql::server
