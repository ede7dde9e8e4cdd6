#include "net/error.hpp"

namespace libsql::net {

const char* to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::Connect:
      return "Connect";
    case ErrorKind::Tls:
      return "Tls";
    case ErrorKind::Timeout:
      return "Timeout";
    case ErrorKind::Interrupted:
      return "Interrupted";
    case ErrorKind::Closed:
      return "Closed";
    case ErrorKind::Protocol:
      return "Protocol";
    case ErrorKind::TooLarge:
      return "TooLarge";
    case ErrorKind::Refused:
      return "Refused";
  }
  return "Unknown";
}

}  // namespace libsql::net
