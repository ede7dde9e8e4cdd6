#include "sql/classify.hpp"

#include "sql/pragmas.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

bool is_name(const Token& token) noexcept {
  return token.kind == TokenKind::Word || token.kind == TokenKind::QuotedIdentifier || token.kind == TokenKind::String;
}

class Classifier {
 public:
  explicit Classifier(std::string_view text) noexcept : text_(text), tokenizer_(text) { advance(); }

  Classification run() noexcept {
    while (token_.kind == TokenKind::Semicolon) advance();
    if (token_.kind == TokenKind::End) return result_;
    if (take("EXPLAIN")) {
      result_.explain = ExplainMode::Program;
      if (take("QUERY")) {
        take("PLAN");
        result_.explain = ExplainMode::QueryPlan;
      }
    }
    result_.kind = StatementKind::Other;
    result_.access = Access::Write;
    if (token_.kind != TokenKind::Word) return result_;
    if (take("WITH")) {
      result_.with = true;
      if (!skip_common_tables()) return result_;
      data_statement();
    } else if (!data_statement()) {
      other_statement();
    }
    // Explaining runs nothing, but a PRAGMA may act while it is compiled.
    if (result_.explain != ExplainMode::None && result_.kind != StatementKind::Pragma &&
        result_.kind != StatementKind::Other) {
      result_.access = Access::Read;
    }
    return result_;
  }

 private:
  void advance() noexcept { token_ = tokenizer_.next_significant(); }

  bool take(std::string_view keyword) noexcept {
    if (!is_keyword(token_, keyword)) return false;
    advance();
    return true;
  }

  bool skip_parentheses() noexcept {
    if (token_.kind != TokenKind::LeftParen) return false;
    int depth = 0;
    while (token_.kind != TokenKind::End) {
      if (token_.kind == TokenKind::LeftParen) ++depth;
      if (token_.kind == TokenKind::RightParen && --depth == 0) {
        advance();
        return true;
      }
      advance();
    }
    return false;
  }

  // [RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (select), ...
  bool skip_common_tables() noexcept {
    take("RECURSIVE");
    while (is_name(token_)) {
      advance();
      skip_parentheses();
      if (!take("AS")) return false;
      take("NOT");
      take("MATERIALIZED");
      if (!skip_parentheses()) return false;
      if (token_.kind != TokenKind::Comma) return true;
      advance();
    }
    return false;
  }

  void set(StatementKind kind, Access access) noexcept {
    result_.kind = kind;
    result_.access = access;
  }

  // [schema.]name
  void take_name() noexcept {
    if (!is_name(token_)) return;
    result_.name = token_.text;
    advance();
    if (token_.kind != TokenKind::Dot) return;
    advance();
    if (!is_name(token_)) return;
    result_.schema = result_.name;
    result_.name = token_.text;
    advance();
  }

  void skip_or_action() noexcept {
    if (take("OR")) advance();
  }

  // What may follow a WITH clause.
  bool data_statement() noexcept {
    if (take("SELECT")) {
      set(StatementKind::Select, Access::Read);
    } else if (take("VALUES")) {
      set(StatementKind::Values, Access::Read);
    } else if (take("INSERT")) {
      set(StatementKind::Insert, Access::Write);
      skip_or_action();
      if (take("INTO")) take_name();
    } else if (take("REPLACE")) {
      set(StatementKind::Replace, Access::Write);
      if (take("INTO")) take_name();
    } else if (take("UPDATE")) {
      set(StatementKind::Update, Access::Write);
      skip_or_action();
      take_name();
    } else if (take("DELETE")) {
      set(StatementKind::Delete, Access::Write);
      if (take("FROM")) take_name();
    } else {
      return false;
    }
    return true;
  }

  void other_statement() noexcept {
    if (take("BEGIN")) {
      begin();
    } else if (take("COMMIT") || take("END")) {
      set(StatementKind::Commit, Access::Transaction);
    } else if (take("ROLLBACK")) {
      rollback();
    } else if (take("SAVEPOINT")) {
      set(StatementKind::Savepoint, Access::Transaction);
      take_savepoint_name();
    } else if (take("RELEASE")) {
      set(StatementKind::Release, Access::Transaction);
      take("SAVEPOINT");
      take_savepoint_name();
    } else if (take("PRAGMA")) {
      pragma();
    } else if (take("CREATE")) {
      create();
    } else if (take("DROP")) {
      drop();
    } else if (take("ALTER")) {
      if (take("TABLE")) {
        set(StatementKind::AlterTable, Access::Write);
        take_name();
      }
    } else if (take("ATTACH")) {
      set(StatementKind::Attach, Access::Write);
    } else if (take("DETACH")) {
      set(StatementKind::Detach, Access::Write);
      take("DATABASE");
      take_name();
    } else if (take("VACUUM")) {
      set(StatementKind::Vacuum, Access::Write);
    } else if (take("ANALYZE")) {
      set(StatementKind::Analyze, Access::Write);
      take_name();
    } else if (take("REINDEX")) {
      set(StatementKind::Reindex, Access::Write);
      take_name();
    }
  }

  // BEGIN [DEFERRED|IMMEDIATE|EXCLUSIVE] [TRANSACTION]; READONLY and CONCURRENT also after TRANSACTION.
  void begin() noexcept {
    set(StatementKind::Begin, Access::Transaction);
    begin_behavior();
    if (take("TRANSACTION") && result_.begin == BeginBehavior::Deferred) begin_behavior();
  }

  void begin_behavior() noexcept {
    if (take("IMMEDIATE")) {
      result_.begin = BeginBehavior::Immediate;
    } else if (take("EXCLUSIVE")) {
      result_.begin = BeginBehavior::Exclusive;
    } else if (take("READONLY")) {
      result_.begin = BeginBehavior::ReadOnly;
    } else if (take("CONCURRENT")) {
      result_.begin = BeginBehavior::Concurrent;
    } else {
      take("DEFERRED");
    }
  }

  void rollback() noexcept {
    set(StatementKind::Rollback, Access::Transaction);
    take("TRANSACTION");
    if (!take("TO")) return;
    set(StatementKind::RollbackTo, Access::Transaction);
    take("SAVEPOINT");
    take_savepoint_name();
  }

  void take_savepoint_name() noexcept {
    if (is_name(token_)) result_.name = token_.text;
  }

  void pragma() noexcept {
    set(StatementKind::Pragma, Access::Write);
    take_name();
    const bool call = token_.kind == TokenKind::LeftParen;
    if (call || (token_.kind == TokenKind::Operator && token_.text == "=")) {
      result_.has_value = true;
      advance();
      const std::size_t from = token_.offset;
      std::size_t to = from;
      while (token_.kind != TokenKind::End && token_.kind != TokenKind::Semicolon &&
             !(call && token_.kind == TokenKind::RightParen)) {
        to = token_.end();
        advance();
      }
      result_.value = text_.substr(from, to - from);
    }
    const PragmaInfo* const info = find_pragma(result_.name);
    if (info != nullptr && info->plain_read && (!result_.has_value || info->kind == PragmaKind::Reads)) {
      result_.access = Access::Read;
    }
  }

  void create() noexcept {
    if (take("TEMP") || take("TEMPORARY")) result_.temporary = true;
    const bool unique = take("UNIQUE");
    if (take("TABLE")) {
      set(StatementKind::CreateTable, Access::Write);
    } else if (take("VIRTUAL")) {
      if (!take("TABLE")) return;
      set(StatementKind::CreateVirtualTable, Access::Write);
    } else if (take("INDEX")) {
      set(StatementKind::CreateIndex, Access::Write);
    } else if (take("VIEW")) {
      set(StatementKind::CreateView, Access::Write);
    } else if (take("TRIGGER")) {
      set(StatementKind::CreateTrigger, Access::Write);
    } else {
      return;
    }
    if (unique && result_.kind != StatementKind::CreateIndex) {
      set(StatementKind::Other, Access::Write);
      return;
    }
    skip_if("NOT");
    take("EXISTS");
    take_name();
  }

  // Skips IF and what must follow it; an IF without it is a name.
  void skip_if(std::string_view follower) noexcept {
    const Classifier before = *this;
    if (take("IF") && !take(follower)) *this = before;
  }

  void drop() noexcept {
    if (take("TABLE")) {
      set(StatementKind::DropTable, Access::Write);
    } else if (take("INDEX")) {
      set(StatementKind::DropIndex, Access::Write);
    } else if (take("VIEW")) {
      set(StatementKind::DropView, Access::Write);
    } else if (take("TRIGGER")) {
      set(StatementKind::DropTrigger, Access::Write);
    } else {
      return;
    }
    skip_if("EXISTS");
    take_name();
  }

  std::string_view text_;
  Tokenizer tokenizer_;
  Token token_;
  Classification result_;
};

}  // namespace

Classification classify(std::string_view statement) noexcept { return Classifier(statement).run(); }

}  // namespace libsql::sql
