#include "core/errors.hpp"

#include <libsql/libsql.hpp>

#include <sqlite3.h>

#include "support/expect_error.hpp"

namespace libsql::core {
namespace {

struct Mapping {
  int sqlite_code;
  ErrorCode code;
};

class EngineCode : public ::testing::TestWithParam<Mapping> {};

template <class E>
bool throws_as(const detail::ErrorData& data) {
  try {
    throw_error(data);
  } catch (const E& error) {
    return typeid(error) == typeid(E);
  } catch (const Error&) {
    return false;
  }
}

bool throws_right_class(const detail::ErrorData& data) {
  switch (data.code) {
    case ErrorCode::Busy:
      return throws_as<Busy>(data);
    case ErrorCode::Constraint:
      return throws_as<Constraint>(data);
    case ErrorCode::Interrupted:
      return throws_as<Interrupted>(data);
    case ErrorCode::TransactionLost:
      return throws_as<TransactionLost>(data);
    case ErrorCode::Auth:
      return throws_as<Auth>(data);
    case ErrorCode::Corrupt:
      return throws_as<Corrupt>(data);
    case ErrorCode::NotADatabase:
      return throws_as<NotADatabase>(data);
    case ErrorCode::CannotOpen:
      return throws_as<CannotOpen>(data);
    case ErrorCode::ReadOnly:
      return throws_as<ReadOnly>(data);
    case ErrorCode::Full:
    case ErrorCode::Io:
    case ErrorCode::NoMemory:
    case ErrorCode::TooBig:
      return throws_as<ResourceError>(data);
    case ErrorCode::SqlError:
      return throws_as<SqlError>(data);
    case ErrorCode::Misuse:
      return throws_as<Misuse>(data);
    case ErrorCode::TypeMismatch:
      return throws_as<TypeMismatch>(data);
    case ErrorCode::OutOfRange:
      return throws_as<OutOfRange>(data);
    case ErrorCode::SnapshotTooOld:
      return throws_as<SnapshotTooOld>(data);
    default:
      return false;
  }
}

TEST_P(EngineCode, HasItsClass) {
  const auto [sqlite_code, code] = GetParam();
  EXPECT_EQ(to_string(error_code_of(sqlite_code)), to_string(code));
  detail::ErrorData data;
  data.code = error_code_of(sqlite_code);
  data.sqlite_code = sqlite_code;
  EXPECT_TRUE(throws_right_class(data)) << to_string(data.code);
  EXPECT_THROW(std::rethrow_exception(make_error(data)), Error);
}

// Every primary and extended code of the engine (https://www.sqlite.org/rescode.html).
INSTANTIATE_TEST_SUITE_P(
    All, EngineCode,
    ::testing::Values(
        Mapping{SQLITE_ERROR, ErrorCode::SqlError}, Mapping{SQLITE_ERROR_MISSING_COLLSEQ, ErrorCode::SqlError},
        Mapping{SQLITE_ERROR_RETRY, ErrorCode::SqlError}, Mapping{SQLITE_ERROR_SNAPSHOT, ErrorCode::SnapshotTooOld},
        Mapping{SQLITE_INTERNAL, ErrorCode::SqlError}, Mapping{SQLITE_PERM, ErrorCode::CannotOpen},
        Mapping{SQLITE_ABORT, ErrorCode::SqlError}, Mapping{SQLITE_ABORT_ROLLBACK, ErrorCode::TransactionLost},
        Mapping{SQLITE_BUSY, ErrorCode::Busy}, Mapping{SQLITE_BUSY_RECOVERY, ErrorCode::Busy},
        Mapping{SQLITE_BUSY_SNAPSHOT, ErrorCode::Busy}, Mapping{SQLITE_BUSY_TIMEOUT, ErrorCode::Busy},
        Mapping{SQLITE_LOCKED, ErrorCode::Busy}, Mapping{SQLITE_LOCKED_SHAREDCACHE, ErrorCode::Busy},
        Mapping{SQLITE_LOCKED_VTAB, ErrorCode::Busy}, Mapping{SQLITE_NOMEM, ErrorCode::NoMemory},
        Mapping{SQLITE_READONLY, ErrorCode::ReadOnly}, Mapping{SQLITE_READONLY_RECOVERY, ErrorCode::ReadOnly},
        Mapping{SQLITE_READONLY_CANTLOCK, ErrorCode::ReadOnly}, Mapping{SQLITE_READONLY_ROLLBACK, ErrorCode::ReadOnly},
        Mapping{SQLITE_READONLY_DBMOVED, ErrorCode::ReadOnly}, Mapping{SQLITE_READONLY_CANTINIT, ErrorCode::ReadOnly},
        Mapping{SQLITE_READONLY_DIRECTORY, ErrorCode::ReadOnly}, Mapping{SQLITE_INTERRUPT, ErrorCode::Interrupted},
        Mapping{SQLITE_IOERR, ErrorCode::Io}, Mapping{SQLITE_IOERR_READ, ErrorCode::Io},
        Mapping{SQLITE_IOERR_SHORT_READ, ErrorCode::Io}, Mapping{SQLITE_IOERR_WRITE, ErrorCode::Io},
        Mapping{SQLITE_IOERR_FSYNC, ErrorCode::Io}, Mapping{SQLITE_IOERR_TRUNCATE, ErrorCode::Io}));

INSTANTIATE_TEST_SUITE_P(
    Further, EngineCode,
    ::testing::Values(Mapping{SQLITE_IOERR_LOCK, ErrorCode::Io}, Mapping{SQLITE_IOERR_NOMEM, ErrorCode::NoMemory},
                      Mapping{SQLITE_IOERR_DELETE_NOENT, ErrorCode::Io}, Mapping{SQLITE_IOERR_CORRUPTFS, ErrorCode::Io},
                      Mapping{SQLITE_IOERR_DATA, ErrorCode::Io}, Mapping{SQLITE_CORRUPT, ErrorCode::Corrupt},
                      Mapping{SQLITE_CORRUPT_VTAB, ErrorCode::Corrupt},
                      Mapping{SQLITE_CORRUPT_SEQUENCE, ErrorCode::Corrupt},
                      Mapping{SQLITE_CORRUPT_INDEX, ErrorCode::Corrupt}, Mapping{SQLITE_NOTFOUND, ErrorCode::SqlError},
                      Mapping{SQLITE_FULL, ErrorCode::Full}, Mapping{SQLITE_CANTOPEN, ErrorCode::CannotOpen},
                      Mapping{SQLITE_CANTOPEN_ISDIR, ErrorCode::CannotOpen},
                      Mapping{SQLITE_CANTOPEN_FULLPATH, ErrorCode::CannotOpen},
                      Mapping{SQLITE_CANTOPEN_SYMLINK, ErrorCode::CannotOpen}, Mapping{SQLITE_PROTOCOL, ErrorCode::Io},
                      Mapping{SQLITE_EMPTY, ErrorCode::SqlError}, Mapping{SQLITE_SCHEMA, ErrorCode::SqlError},
                      Mapping{SQLITE_TOOBIG, ErrorCode::TooBig}, Mapping{SQLITE_CONSTRAINT, ErrorCode::Constraint},
                      Mapping{SQLITE_CONSTRAINT_CHECK, ErrorCode::Constraint},
                      Mapping{SQLITE_MISMATCH, ErrorCode::TypeMismatch}, Mapping{SQLITE_MISUSE, ErrorCode::Misuse},
                      Mapping{SQLITE_NOLFS, ErrorCode::Io}, Mapping{SQLITE_AUTH, ErrorCode::Auth},
                      Mapping{SQLITE_AUTH_USER, ErrorCode::Auth}, Mapping{SQLITE_FORMAT, ErrorCode::NotADatabase},
                      Mapping{SQLITE_RANGE, ErrorCode::OutOfRange}, Mapping{SQLITE_NOTADB, ErrorCode::NotADatabase}));

TEST(EngineCode, RetryIsForLocksThatOthersHold) {
  EXPECT_TRUE(is_retryable(SQLITE_BUSY));
  EXPECT_TRUE(is_retryable(SQLITE_BUSY_RECOVERY));
  EXPECT_TRUE(is_retryable(SQLITE_BUSY_TIMEOUT));
  EXPECT_TRUE(is_retryable(SQLITE_LOCKED_SHAREDCACHE));
  EXPECT_TRUE(is_retryable(SQLITE_PROTOCOL));
  EXPECT_FALSE(is_retryable(SQLITE_BUSY_SNAPSHOT)) << "the snapshot stays old until the transaction ends";
  EXPECT_FALSE(is_retryable(SQLITE_LOCKED)) << "the caller's own cursor holds the lock";
  for (const int code :
       {SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_IOERR, SQLITE_FULL, SQLITE_CORRUPT, SQLITE_INTERRUPT}) {
    EXPECT_FALSE(is_retryable(code)) << code;
  }
}

TEST(Constraints, KindFollowsTheExtendedCode) {
  const std::vector<std::pair<int, ConstraintKind>> kinds = {{SQLITE_CONSTRAINT, ConstraintKind::Other},
                                                             {SQLITE_CONSTRAINT_CHECK, ConstraintKind::Check},
                                                             {SQLITE_CONSTRAINT_COMMITHOOK, ConstraintKind::CommitHook},
                                                             {SQLITE_CONSTRAINT_DATATYPE, ConstraintKind::DataType},
                                                             {SQLITE_CONSTRAINT_FOREIGNKEY, ConstraintKind::ForeignKey},
                                                             {SQLITE_CONSTRAINT_FUNCTION, ConstraintKind::Function},
                                                             {SQLITE_CONSTRAINT_NOTNULL, ConstraintKind::NotNull},
                                                             {SQLITE_CONSTRAINT_PINNED, ConstraintKind::Pinned},
                                                             {SQLITE_CONSTRAINT_PRIMARYKEY, ConstraintKind::PrimaryKey},
                                                             {SQLITE_CONSTRAINT_ROWID, ConstraintKind::RowId},
                                                             {SQLITE_CONSTRAINT_TRIGGER, ConstraintKind::Trigger},
                                                             {SQLITE_CONSTRAINT_UNIQUE, ConstraintKind::Unique},
                                                             {SQLITE_CONSTRAINT_VTAB, ConstraintKind::VirtualTable}};
  for (const auto& [code, kind] : kinds) {
    detail::ErrorData data;
    data.sqlite_code = code;
    describe_constraint(data);
    EXPECT_EQ(data.constraint_kind, kind) << code;
  }
}

TEST(Constraints, MessageNamesTableAndColumns) {
  detail::ErrorData data;
  data.sqlite_code = SQLITE_CONSTRAINT_UNIQUE;
  data.message = "UNIQUE constraint failed: t.a, t.b";
  describe_constraint(data);
  EXPECT_EQ(data.constraint_table, "t");
  EXPECT_THAT(data.constraint_columns, ::testing::ElementsAre("a", "b"));
}

TEST(Constraints, MessageOfAnotherFormNamesNothing) {
  for (const char* message :
       {"", "FOREIGN KEY constraint failed", "UNIQUE constraint failed: ", "x constraint failed: y"}) {
    detail::ErrorData data;
    data.sqlite_code = SQLITE_CONSTRAINT_UNIQUE;
    data.message = message;
    describe_constraint(data);
    EXPECT_EQ(data.constraint_table, "") << message;
    EXPECT_TRUE(data.constraint_columns.empty()) << message;
  }
}

TEST(ErrorClass, CopiesShareWhatTheyCarry) {
  const SqlError error = test::error_of<SqlError>([] { throw_error(ErrorCode::SqlError, "m", "SELECT"); });
  const SqlError copy = error;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.what(), error.what());
  EXPECT_STREQ(copy.what(), "m");
  EXPECT_EQ(copy.sql(), "SELECT");
  static_assert(std::is_nothrow_copy_constructible_v<SqlError>);
}

TEST(ErrorClass, StatementIndexIsAddedWithoutLosingTheClass) {
  detail::ErrorData data;
  data.code = ErrorCode::Constraint;
  data.constraint_table = "t";
  try {
    try {
      throw_error(data);
    } catch (const Error& error) {
      rethrow_with_statement_index(error, 3);
    }
  } catch (const Constraint& error) {
    EXPECT_EQ(error.statement_index(), 3u);
    EXPECT_EQ(error.table(), "t");
  }
}

TEST(ErrorClass, UnsupportedNamesFeatureAndMode) {
  const Unsupported error =
      test::error_of<Unsupported>([] { throw_unsupported("update hook", "remote", "a server has no hooks"); });
  EXPECT_EQ(error.feature(), "update hook");
  EXPECT_EQ(error.mode(), "remote");
  EXPECT_EQ(error.message(), "update hook is not supported in remote mode: a server has no hooks");
}

TEST(ErrorCode, EveryOneHasAName) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::SnapshotTooOld); ++i) {
    EXPECT_NE(to_string(static_cast<ErrorCode>(i)), "Error") << i;
    EXPECT_FALSE(to_string(static_cast<ErrorCode>(i)).empty()) << i;
  }
}

}  // namespace
}  // namespace libsql::core
