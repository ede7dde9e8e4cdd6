// The reader of Protobuf that all rooms share, under the names that this room knows it by.
#pragma once

#include "core/protobuf_reader.hpp"
#include "hrana/encoding.hpp"

namespace libsql::hrana::proto {

using core::proto::Context;
using core::proto::OneOf;
using core::proto::Part;
using core::proto::Reader;

}  // namespace libsql::hrana::proto
