// The reader of JSON that all rooms share, under the names that this room knows it by.
#pragma once

#include "core/json_reader.hpp"
#include "hrana/encoding.hpp"

namespace libsql::hrana {

using core::JsonArray;
using core::JsonObject;
using core::JsonReader;
using core::parse_int64;
using core::parse_real;
using core::parse_uint64;

}  // namespace libsql::hrana
