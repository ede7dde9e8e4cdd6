#include "integration/server/server_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace libsql_test {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

int status_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

std::string value_text(const Json& value) {
  if (value["type"] == "null") return "null";
  if (value["type"] == "float") return value["value"].dump();
  if (value["type"] == "blob") return value["base64"];
  return value["value"];
}

}  // namespace

ServerProcess::ServerProcess(std::vector<std::string> arguments, Variables variables) {
  std::vector<std::string> texts = {LIBSQL_PROGRAM, "serve", "--http-listen", "127.0.0.1:0"};
  for (const std::string& argument : arguments) {
    // A test that says where to listen means it.
    if (argument == "--http-listen") texts.erase(texts.begin() + 2, texts.begin() + 4);
  }
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  const std::size_t count = texts.size();
  for (const auto& [name, value] : variables) texts.push_back(name + "=" + value);
  if (const char* const options = std::getenv("ASAN_OPTIONS")) texts.push_back(std::string("ASAN_OPTIONS=") + options);
  std::vector<char*> argv, environment;
  for (std::size_t i = 0; i < texts.size(); ++i) (i < count ? argv : environment).push_back(texts[i].data());
  argv.push_back(nullptr);
  environment.push_back(nullptr);
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  pid_ = fork();
  if (pid_ == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    execve(argv[0], argv.data(), environment.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  out_fd_ = out[0];
  err_fd_ = err[0];
  const auto until = Clock::now() + std::chrono::seconds(20);
  while (out_.find('\n') == std::string::npos && Clock::now() < until) {
    if (!read_some(out_fd_, out_, std::chrono::seconds(20))) break;
  }
  ready_ = out_.starts_with("libsql: ready ") && out_.ends_with('\n');
}

ServerProcess::~ServerProcess() {
  if (!status_ && pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_fd_);
  close(err_fd_);
}

bool ServerProcess::read_some(int fd, std::string& to, std::chrono::milliseconds longest) {
  pollfd waiting = {fd, POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(longest.count())) <= 0) return false;
  char buffer[4096];
  const ssize_t size = read(fd, buffer, sizeof buffer);
  if (size <= 0) return false;
  to.append(buffer, static_cast<std::size_t>(size));
  return true;
}

std::string ServerProcess::errors() {
  while (read_some(err_fd_, err_, std::chrono::milliseconds(0))) {
  }
  return err_;
}

std::uint16_t ServerProcess::port_after(std::string_view label) const {
  const std::size_t start = out_.find(label);
  if (start == std::string::npos) throw std::runtime_error("no " + std::string(label) + " in: " + out_);
  const std::size_t scheme = out_.find("://", start) + 3;
  return static_cast<std::uint16_t>(std::stoi(out_.substr(out_.find(':', scheme) + 1)));
}

void ServerProcess::signal(int number) const { kill(pid_, number); }

std::optional<int> ServerProcess::wait(std::chrono::seconds longest) {
  eventually(
      [&] {
        errors();  // so that it never waits for somebody to read
        int status = 0;
        if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = status_of(status);
        return status_.has_value();
      },
      longest);
  return status_;
}

Reply request(std::uint16_t port, std::string_view method, std::string_view target, std::string_view body,
              std::vector<std::pair<std::string, std::string>> headers,
              std::shared_ptr<const libsql::net::TlsContext> tls) {
  libsql::net::ClientOptions options;
  options.proxy_from_environment = false;
  options.tls = tls;
  libsql::net::Origin origin{tls != nullptr, "127.0.0.1", port};
  libsql::net::HttpConnection connection(origin, options);
  std::vector<libsql::net::Header> fields;
  for (const auto& [name, value] : headers) fields.push_back({name, value});
  const libsql::net::Wait wait{libsql::net::Deadline::after(std::chrono::seconds(30))};
  const auto response = connection.request({method, target, fields, body}, wait);
  return {response.status, std::string(response.body), std::string(response.header("content-type").value_or(""))};
}

std::string run_sql(std::uint16_t port, std::string_view sql, std::vector<std::pair<std::string, std::string>> headers,
                    std::shared_ptr<const libsql::net::TlsContext> tls) {
  const Json body = {{"requests", {{{"type", "execute"}, {"stmt", {{"sql", sql}}}}, {{"type", "close"}}}}};
  const Reply reply = request(port, "POST", "/v2/pipeline", body.dump(), std::move(headers), std::move(tls));
  if (reply.status != 200) return std::to_string(reply.status);
  const Json result = Json::parse(reply.body)["results"][0];
  if (result["type"] == "error") return result["error"]["code"];
  const Json& rows = result["response"]["result"]["rows"];
  return rows.empty() ? "ok" : value_text(rows[0][0]);
}

}  // namespace libsql_test
