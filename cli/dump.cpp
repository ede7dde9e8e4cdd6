#include "cli/dump.hpp"

#include <libsql/rows.hpp>
#include <libsql/transaction.hpp>

#include "cli/progress.hpp"
#include "cli/shell.hpp"

namespace libsql::cli {
namespace {

class ShellPort final : public sql::DumpPort {
 public:
  explicit ShellPort(Shell& shell) : shell_(shell), progress_("dump", "rows", 0) {}

  void query(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row) override {
    Params params;
    for (const std::string_view argument : arguments) params.add(argument);
    Rows rows = shell_.connection().query(sql, params);
    std::vector<ValueRef> values;
    while (rows.next()) {
      values.clear();
      for (int i = 0; i < rows.column_count(); ++i) values.push_back(rows.row().value(i));
      on_row(values);
    }
  }
  void write(std::string_view text) override { shell_.print(text); }
  void write_row(std::string_view line) override {
    shell_.print(line);
    progress_.update(++rows_);
  }

 private:
  Shell& shell_;
  Progress progress_;
  std::uint64_t rows_ = 0;
};

}  // namespace

void dump(Shell& shell, const sql::DumpOptions& options) {
  // One snapshot for all that is read. The name is one that no user's savepoint has.
  const Savepoint snapshot = shell.connection().savepoint("libsql shell dump");
  ShellPort port(shell);
  sql::dump(port, options);
}

}  // namespace libsql::cli
