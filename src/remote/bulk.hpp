// One statement with many sets of arguments, in few requests.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/arena.hpp"
#include "remote/session.hpp"

namespace libsql::remote {

class Bulk final : public core::Bulk {
 public:
  Bulk(Session& session, std::shared_ptr<Text> text);
  ~Bulk() override;

  void add(const core::ParamsView& params) override;
  std::uint64_t finish() override;

 private:
  enum class Bracket : std::uint8_t { None, Transaction, Savepoint };

  void flush();
  void open_bracket();
  bool has_bracket() const noexcept;
  void require_bracket() const;
  void finish_in_one();
  void finish_bracket();
  std::string_view stored() const noexcept;
  void take(const hrana::BatchResult& batch, std::uint32_t first_step);
  [[noreturn]] void throw_unsendable(const hrana::EncodeError& error) const;

  Session& session_;
  std::shared_ptr<Text> text_;
  Bracket bracket_ = Bracket::None;
  std::uint64_t id_ = 0;  // of what the bracket began
  core::Arena arena_;
  std::vector<hrana::Stmt> stmts_;  // not sent yet
  std::size_t bytes_ = 0;
  std::size_t sent_ = 0;
  std::uint64_t changes_ = 0;
};

/// Runs statements as Conversation::execute_atomically() does, waiting for the lock. None if the server refused their
/// text before it ran any. Throws what keeps them from running at all.
std::optional<RanBatch> run_all_or_nothing(Session& session, std::span<const hrana::Stmt> stmts,
                                           std::string_view stored, const Call& call);
/// Throws if the step that makes them lasting failed or did not run.
void require_lasting(Session& session, const hrana::BatchResult& batch, std::size_t statements, std::string_view sql);

}  // namespace libsql::remote
