// Which code answers which path, and what such code sees of a request.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace libsql::server {

/// A request and its answer. Belongs to the thread that runs the handler, which may wait and block.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual std::string_view method() const noexcept = 0;
  virtual std::string_view path() const noexcept = 0;   // without the query, as it was sent
  virtual std::string_view query() const noexcept = 0;  // after the `?`
  /// The value of a header; names are compared without regard to case.
  virtual std::optional<std::string_view> header(std::string_view name) const noexcept = 0;
  virtual std::string_view body() const noexcept = 0;
  virtual std::string_view peer() const noexcept = 0;
  virtual bool is_encrypted() const noexcept = 0;

  /// Further headers of the answer; before answer() or begin().
  virtual void add_header(std::string_view name, std::string_view value) = 0;
  /// The whole answer. `content_type` may be empty.
  virtual void answer(int status, std::string_view content_type, std::string body) = 0;

  /// `{"error":...,"message":...,"code":...}`.
  void answer_error(int status, std::string_view message, std::string_view code = {});
  /// What `{name}` in the route's pattern stands for.
  std::string_view parameter(std::string_view name) const noexcept;

  std::vector<std::pair<std::string_view, std::string_view>> parameters;
};

/// Routes by method and path. A pattern is a path in which `{name}` stands for one segment and a final `*` for the
/// rest. Filled before the server starts, then only read.
class Router {
 public:
  using Handler = std::function<void(Exchange&)>;

  void add(std::string method, std::string pattern, Handler handler);
  /// Runs before anything is looked up; true if it has answered. For authentication of a whole listener.
  void set_guard(std::function<bool(Exchange&)> guard) { guard_ = std::move(guard); }

  /// Asks the guard only; true if it has answered.
  bool refuses(Exchange& exchange) const { return guard_ && guard_(exchange); }

  enum class Found : bool { No, Yes };
  /// Answers if a route fits, and with 405 if one fits but for its method.
  Found dispatch(Exchange& exchange) const;
  bool empty() const noexcept { return routes_.empty(); }

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    bool rest = false;
    Handler handler;
  };
  std::vector<Route> routes_;
  std::function<bool(Exchange&)> guard_;
};

}  // namespace libsql::server
