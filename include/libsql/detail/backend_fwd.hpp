/// \file
/// Names of internal classes that public handles point to. Internal.
#pragma once

namespace libsql {

namespace core {
class Bulk;
class Session;
class Stmt;
class Store;
}  // namespace core

namespace local {
class LogHold;
}

namespace detail {
struct Access;
class RowScope;
}  // namespace detail

}  // namespace libsql
