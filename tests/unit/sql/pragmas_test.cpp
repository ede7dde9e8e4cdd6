#include "sql/pragmas.hpp"

#include <gtest/gtest.h>

namespace libsql::sql {
namespace {

TEST(Pragmas, AreSettingsOfTheConnectionOrOfTheDatabase) {
  for (const char* name : {"foreign_keys", "FOREIGN_KEYS", "synchronous", "cache_size", "writable_schema",
                           "max_page_count", "short_column_names"}) {
    EXPECT_TRUE(is_connection_setting(name)) << name;
  }
  for (const char* name : {"user_version", "journal_mode", "table_info", "foreign_key_list", "", "\"foreign_keys\""}) {
    EXPECT_FALSE(is_connection_setting(name)) << name;
  }
}

TEST(Pragmas, OnlyReadWhatIsKnownToReadOnly) {
  for (const char* name : {"table_info", "TABLE_INFO", "integrity_check", "foreign_key_list"}) {
    EXPECT_TRUE(only_reads(name, true)) << name;
    EXPECT_TRUE(only_reads(name, false)) << name;
  }
  for (const char* name : {"user_version", "Journal_Mode", "foreign_keys", "synchronous", "page_size"}) {
    EXPECT_FALSE(only_reads(name, true)) << name;
    EXPECT_TRUE(only_reads(name, false)) << name;
  }
  for (const char* name : {"wal_checkpoint", "optimize", "incremental_vacuum", "rekey", "of_tomorrow", ""}) {
    EXPECT_FALSE(only_reads(name, true)) << name;
    EXPECT_FALSE(only_reads(name, false)) << name;
  }
}

}  // namespace
}  // namespace libsql::sql
