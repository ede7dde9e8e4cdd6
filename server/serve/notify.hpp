// Tells systemd how far the start has come (https://www.freedesktop.org/software/systemd/man/sd_notify.html).
#pragma once

#include <string_view>

namespace libsql::server {

/// Does nothing unless a service manager has set NOTIFY_SOCKET.
void notify_service_manager(std::string_view message) noexcept;

}  // namespace libsql::server
