#include "sql/pragmas.hpp"

#include <gtest/gtest.h>

#include <string>

namespace libsql::sql {
namespace {

TEST(Pragmas, AreSettingsOfTheConnectionOrOfTheDatabase) {
  for (const char* name : {"foreign_keys", "FOREIGN_KEYS", "synchronous", "cache_size", "writable_schema",
                           "max_page_count", "short_column_names"}) {
    EXPECT_TRUE(is_connection_setting(name)) << name;
  }
  for (const char* name :
       {"user_version", "journal_mode", "table_info", "foreign_key_list", "", "\"\"", "\"foreign_keys"}) {
    EXPECT_FALSE(is_connection_setting(name)) << name;
  }
}

TEST(Pragmas, AreKnownByTheirNameInAnyQuotesAndCase) {
  for (const PragmaInfo& pragma : pragmas()) {
    const std::string name(pragma.name);
    for (const std::string& written :
         {name, '"' + name + '"', '\'' + name + '\'', '`' + name + '`', '[' + name + ']'}) {
      EXPECT_EQ(find_pragma(written), &pragma) << written;
      std::string large = written;
      for (char& c : large) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      EXPECT_EQ(find_pragma(large), &pragma) << large;
    }
    for (const std::string& other : {name + "x", name.substr(1), '"' + name, '"' + name + '\'', "[" + name + "\"",
                                     "\"\"" + name + "\"\"", ' ' + name}) {
      EXPECT_NE(find_pragma(other), &pragma) << other;
    }
  }
}

// A setting that reset() cannot put back has to be treated by name, and one that the server lets clients set too.
TEST(Pragmas, TheTableAgreesWithItself) {
  for (const PragmaInfo& pragma : pragmas()) {
    SCOPED_TRACE(pragma.name);
    EXPECT_EQ(pragma.values == PragmaValues::Word, !pragma.words.empty());
    if (pragma.kind == PragmaKind::Reads) {
      EXPECT_TRUE(pragma.plain_read);
      EXPECT_EQ(pragma.values, PragmaValues::Any);
      EXPECT_FALSE(pragma.restored || pragma.dumped || pragma.layout);
    }
    if (pragma.kind == PragmaKind::Cipher) {
      EXPECT_EQ(pragma.service, PragmaService::None);
    }
    if (pragma.heap_limit || pragma.bound_to_transaction) {
      EXPECT_EQ(pragma.kind, PragmaKind::Setting);
    }
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
