// What our replicas and primaries tell each other beside libSQL's protocol, in headers that other peers pass over.
#pragma once

#include <cstdint>
#include <string_view>

namespace libsql::replication {

/// Of a call that asks for frames, and of its answer where the server did so: what lies between two commits that the
/// replica would never show is left out. Each message holds any number of frames, as those of BatchLogEntries do, in
/// LogEntries and Snapshot too. In BatchLogEntries and LogEntries each message is one transaction: of all commits up to
/// the one that its last frame ends, it has the newest image of each page they changed, in the order of their numbers;
/// only the last one has the size of the database. Field 1000 of the message is the checksum of the frame before those
/// commits, by which a replica knows that they continue what it has; the checksums of the frames themselves have gaps.
inline constexpr std::string_view kFramesHeader = "libsql-frames";
inline constexpr std::string_view kJoinedFrames = "joined";
inline constexpr std::uint32_t kPreviousChecksumField = 1000;

/// Of a call that asks for frames: a name of the replica's own choice, the same in all its calls, by which the server
/// tells its replicas apart in its figures. Without it their addresses have to do.
inline constexpr std::string_view kReplicaHeader = "libsql-replica";

/// Messages may be compressed by zstd for whoever sends grpc-accept-encoding: zstd (grpc_web.hpp).
inline constexpr std::string_view kAcceptEncodingHeader = "grpc-accept-encoding";
inline constexpr std::string_view kEncodingHeader = "grpc-encoding";

}  // namespace libsql::replication
