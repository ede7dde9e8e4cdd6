// Telling systemd how far the start is (https://www.freedesktop.org/software/systemd/man/sd_notify.html).
#pragma once

#include <string_view>

namespace libsql::server {

/// Does nothing if no service manager has asked for it by NOTIFY_SOCKET.
void notify_service_manager(std::string_view message) noexcept;

}  // namespace libsql::server
