#include "server/config/load.hpp"
#include "server/config/setting.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kWidth = 79;
constexpr std::size_t kIndent = 6;

// Appends words, broken into lines of at most kWidth characters, each indented by kIndent blanks.
void append_paragraph(std::string& out, std::string_view text) {
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (column == 0 || column + 1 + word.size() > kWidth) {
      out += column == 0 ? "" : "\n";
      out.append(kIndent, ' ');
      column = kIndent;
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out += '\n';
}

void append_setting(std::string& out, const Setting& setting) {
  out += "  ";
  if (setting.where == Setting::Where::EnvironmentOnly) {
    out += setting.variable() + "=" + std::string(setting.value);
  } else {
    out.append("--").append(setting.name);
    if (!setting.is_switch()) out.append(" ").append(setting.value);
  }
  out += '\n';
  std::string text(setting.description);
  if (!setting.fallback.empty()) text.append(" (Default: ").append(setting.fallback).append(".)");
  append_paragraph(out, text);
}

}  // namespace

std::string serve_help() {
  std::string text = R"(libsql serve - a server for libSQL databases

USAGE
  libsql serve --db FILE [OPTIONS]
  libsql serve --data DIR --enable-namespaces [OPTIONS]

  Serves databases to clients that speak Hrana, over HTTP and WebSocket, until
  it is stopped. When it is ready, it prints on standard output:

    libsql: ready http=http://127.0.0.1:8080

  Sizes are written 10MB (10^6 bytes) or 64MiB (2^20), times 500ms, 10s, 5m, 2h
  or 1d. Every option except secrets may also be set by an environment variable
  (--http-listen by LIBSQL_HTTP_LISTEN) or by a line `http-listen = VALUE` in
  the --config file. Flags override variables, variables override the file.
  Unknown settings are errors. --NAME=false turns a switch off.

)";
  for (const SettingGroup& group : setting_groups()) {
    text.append(group.title).append("\n");
    for (const Setting& setting : group.settings) append_setting(text, setting);
    text += '\n';
  }
  text += R"(SIGNALS
  TERM, INT  Refuse new requests, let running ones finish, write the databases'
             logs into their files, and exit; at the latest five seconds after
             --shutdown-timeout, even if a request cannot be cut off. A second
             signal exits at once.
  HUP        Reopen the log files, reload keys and certificates

EXIT STATUS
  0  It was stopped, and every request finished within --shutdown-timeout
  1  It could not start, or requests had to be cut off
  2  The command line, a variable or the configuration file is wrong

EXAMPLES
  libsql serve --db app.db
  libsql token keygen server
  libsql serve --data /var/lib/libsql --enable-namespaces \
    --http-listen 0.0.0.0:8080 --auth-jwt-key-file server.pub.pem \
    --admin-listen 127.0.0.1:9090
)";
  return text;
}

}  // namespace libsql::server
