/// \file
/// The whole library in one include.
#pragma once

#include <libsql/batch.hpp>
#include <libsql/builder.hpp>
#include <libsql/column.hpp>
#include <libsql/connection.hpp>
#include <libsql/connection_info.hpp>
#include <libsql/convert.hpp>
#include <libsql/database.hpp>
#include <libsql/error.hpp>
#include <libsql/interrupt.hpp>
#include <libsql/json.hpp>
#include <libsql/params.hpp>
#include <libsql/pragma.hpp>
#include <libsql/pragma_types.hpp>
#include <libsql/rows.hpp>
#include <libsql/snapshot.hpp>
#include <libsql/statement.hpp>
#include <libsql/transaction.hpp>
#include <libsql/uuid.hpp>
#include <libsql/value.hpp>
#include <libsql/vector.hpp>
#include <libsql/version.hpp>
#include <libsql/wal.hpp>
#include <libsql/writer.hpp>
