// Finds the handler for a path, and defines what a handler sees of its request.
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

/// A request and its answer. Used by the thread that runs the handler, which may block.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual std::string_view method() const noexcept = 0;
  virtual std::string_view path() const noexcept = 0;   // as sent, without the query
  virtual std::string_view query() const noexcept = 0;  // after the `?`
  /// The value of a header. Names are compared ignoring case.
  virtual std::optional<std::string_view> header(std::string_view name) const noexcept = 0;
  virtual std::string_view body() const noexcept = 0;
  virtual std::string_view peer() const noexcept = 0;
  virtual bool is_encrypted() const noexcept = 0;

  /// Adds a header to the answer. Call it before answer().
  virtual void add_header(std::string_view name, std::string_view value) = 0;
  /// Sends the whole answer. `content_type` may be empty.
  virtual void answer(int status, std::string_view content_type, std::string body) = 0;

  /// Answers `{"error":...,"message":...,"code":...}`.
  void answer_error(int status, std::string_view message, std::string_view code = {});
  /// The part of the path that matched `{name}` in the route's pattern.
  std::string_view parameter(std::string_view name) const noexcept;

  std::vector<std::pair<std::string_view, std::string_view>> parameters;
};

/// Finds routes by method and path. A pattern is a path in which `{name}` matches one segment and a final `*` the rest.
/// Filled before the server starts, read-only from then on.
class Router {
 public:
  using Handler = std::function<void(Exchange&)>;

  void add(std::string method, std::string pattern, Handler handler);
  /// `guard` runs before a route is looked up, and returns whether it has answered. For authentication of a whole
  /// listener.
  void set_guard(std::function<bool(Exchange&)> guard) { guard_ = std::move(guard); }

  /// Runs the guard alone. True if it has answered.
  bool refuses(Exchange& exchange) const { return guard_ && guard_(exchange); }

  enum class Found : bool { No, Yes };
  /// Answers if a route matches, and with 405 if only its method differs.
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
