#include "sql/pragmas.hpp"

#include <gtest/gtest.h>

namespace libsql::sql {
namespace {

TEST(Pragmas, AreSettingsOfTheConnectionOrOfTheDatabase) {
  for (const char* name : {"foreign_keys", "FOREIGN_KEYS", "synchronous", "cache_size", "writable_schema", "max_page_count", "short_column_names"}) {
    EXPECT_TRUE(is_connection_setting(name)) << name;
  }
  for (const char* name : {"user_version", "journal_mode", "table_info", "foreign_key_list", "", "\"foreign_keys\""}) {
    EXPECT_FALSE(is_connection_setting(name)) << name;
  }
}

}  // namespace
}  // namespace libsql::sql
