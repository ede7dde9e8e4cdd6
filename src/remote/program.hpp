// The statements of a script or a batch, understood and checked, with their arguments.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <libsql/batch.hpp>

#include "hrana/requests.hpp"
#include "remote/arguments.hpp"
#include "remote/options.hpp"
#include "remote/text.hpp"

namespace libsql::remote {

class Session;

class Program {
 public:
  /// Throws what is wrong with a statement or its arguments, with its index; Interrupted and Timeout: a long script
  /// takes its time.
  Program(Session& session, std::string_view script);
  Program(Session& session, std::span<const BatchStatement> statements);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::size_t size() const noexcept { return stmts.size(); }
  /// Whether one request holds all.
  bool fits(const Options& options) const noexcept {
    return stmts.size() <= options.batch_statements && total_bytes <= options.batch_bytes;
  }
  /// How many statements from `from` on one request holds.
  std::size_t part(std::size_t from, const Options& options) const noexcept;

  /// How many of the `count` statements from `from` on there are up to the first that begins or ends a transaction.
  std::size_t up_to_control(std::size_t from, std::size_t count) const noexcept;

  std::vector<std::shared_ptr<Text>> texts;
  std::vector<hrana::Stmt> stmts;
  std::size_t total_bytes = 0;
  bool controls = false;     // one of them begins or ends a transaction
  bool sets_up = false;      // one of them sets up the stream
  bool only_sets_up = true;  // all do

 private:
  void add(Session& session, std::string_view sql, const core::ParamsView& params);

  std::vector<std::size_t> bytes_;
  std::deque<detail::ParamsRefs> params_;
  std::deque<Arguments> arguments_;
};

}  // namespace libsql::remote
