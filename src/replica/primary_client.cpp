#include "replica/primary_client.hpp"

#include <array>
#include <exception>
#include <random>
#include <span>
#include <utility>

#include <libsql/error.hpp>
#include <libsql/version.hpp>

#include "core/base64.hpp"
#include "core/decode_error.hpp"
#include "core/errors.hpp"
#include "net/error.hpp"
#include "net/field_syntax.hpp"
#include "remote/failures.hpp"
#include "remote/http_client.hpp"
#include "remote/wire.hpp"
#include "replication/extensions.hpp"
#include "replication/faults.hpp"
#include "replication/wal_log_messages.hpp"
#include "replication/zstd.hpp"

namespace libsql::replica {
namespace {

namespace grpc = replication::grpc;
using replication::BytesFrom;
using replication::throw_fault;

// Longer ones do not come from a primary: a UUID or two and a configuration, a frame and two numbers.
constexpr std::uint32_t kMaxGreeting = 64U << 10U;
constexpr std::uint32_t kMaxFrameMessage = 8192;
constexpr std::size_t kMaxTokenBytes = 256;

[[noreturn]] void throw_network(const net::NetError& error, const net::Wait& wait) {
  remote::Call call;
  call.wait = wait;
  call.repeatable = true;  // nothing that a replica asks changes anything
  remote::throw_network(error, call, remote::Standing::Alone);
}

}  // namespace

namespace {

// By which the primary tells its replicas apart.
std::string new_name() {
  std::random_device random;
  std::string name;
  for (int i = 0; i < 16; ++i) name += "0123456789abcdef"[random() & 15U];
  return name;
}

bool is_near(std::string_view host) noexcept {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

std::string namespace_of_host(std::string_view host) {
  const std::size_t dot = host.find('.');
  return dot == std::string_view::npos || dot == 0 ? "default" : std::string(host.substr(0, dot));
}

PrimaryClient::PrimaryClient(const remote::Options& options, Limits limits)
    : options_(options),
      location_(remote::locate(options_)),
      limits_(limits),
      connection_(location_.endpoint.origin, remote::client_options(options_, location_)) {
  const std::string name =
      options_.name_space.empty() ? namespace_of_host(location_.endpoint.origin.host) : options_.name_space;
  std::string name_text;
  core::append_base64(std::as_bytes(std::span(name)), name_text);
  headers_ = {{"te", "trailers"},
              {"content-type", "application/grpc-web"},
              {"x-authorization", "Bearer " + location_.auth_token},
              {"x-namespace-bin", name_text},
              {"x-libsql-client-version", "libsql-rpc-cpp-" + std::string(version())},
              {std::string(replication::kReplicaHeader), new_name()}};
  is_near_ = is_near(location_.endpoint.origin.host);
  for (auto& [field, value] : remote::common_headers(options_)) {
    if (field != "x-namespace" && field != "x-libsql-client-version") headers_.emplace_back(field, std::move(value));
  }
  if (!net::is_field_value(location_.auth_token)) {
    core::throw_error(ErrorCode::Configuration, "the token has characters that a header cannot carry");
  }
}

// A primary that says nothing for the time that any call may take is as good as gone, however long the sync may last.
net::Wait PrimaryClient::patient(const net::Wait& wait) const {
  if (!options_.default_deadline) return wait;
  return {earlier(wait.deadline, net::Deadline::after(*options_.default_deadline)), wait.interrupt};
}

Primary::Outcome PrimaryClient::outcome_of(const grpc::Status& status) {
  if (status.ok()) return Outcome::Done;
  if (status.code == grpc::Code::FailedPrecondition) {
    if (status.message == "NO_HELLO") return Outcome::NoHello;
    if (status.message == "NEED_SNAPSHOT") return Outcome::NeedSnapshot;
    if (status.message == "NAMESPACE_DOESNT_EXIST") {
      detail::ErrorData data = grpc::error_of(status);
      data.code = ErrorCode::CannotOpen;
      data.message = "the primary has no such namespace";
      core::throw_error(std::move(data));
    }
  }
  core::throw_error(grpc::error_of(status));
}

// Pieces of the body, through the framing, to whoever reads the messages.
class PrimaryClient::Body {
 public:
  Body(PrimaryClient& client, const net::Wait& wait, const Asking& asking, bool joined)
      : client_(client), wait_(wait), joined_(joined), reader_(grpc::Form::Binary, limits_of(client, asking, joined)) {}

  /// Whether the primary joined the commits.
  bool is_joined() const noexcept { return joined_; }

  /// The next event but NeedMore; nothing at the end of the body.
  std::optional<grpc::Reader::Event> next() {
    for (;;) {
      if (fed_) {
        const grpc::Reader::Event event = reader_.next();
        if (event != grpc::Reader::Event::NeedMore) return event;
      }
      const std::string_view piece = client_.connection_.read(client_.patient(wait_));
      if (piece.empty()) {
        reader_.finish();
        return std::nullopt;
      }
      reader_.feed(piece);
      fed_ = true;
    }
  }
  const grpc::Reader& reader() const noexcept { return reader_; }

 private:
  static grpc::ReaderLimits limits_of(const PrimaryClient& client, const Asking& asking, bool joined) {
    grpc::ReaderLimits limits;
    limits.max_message = joined ? client.limits_.max_message_bytes : asking.max_message;
    if (asking.compressed) limits.max_decompressed = client.limits_.max_message_bytes;
    return limits;
  }

  PrimaryClient& client_;
  const net::Wait& wait_;
  const bool joined_;
  grpc::Reader reader_;
  bool fed_ = false;
};

template <class Read>
Primary::Outcome PrimaryClient::call(const Asking& asking, const net::Wait& wait, Read&& read) {
  std::string body;
  grpc::append_message(asking.message, grpc::Form::Binary, body);
  std::vector<net::Header> own;
  for (const auto& [name, value] : headers_) own.push_back({name, value});
  if (asking.joined) own.push_back({replication::kFramesHeader, replication::kJoinedFrames});
  if (asking.compressed) own.push_back({replication::kAcceptEncodingHeader, replication::zstd::kName});
  if (!session_token_.empty()) own.push_back({"x-session-token", session_token_});
  remote::HookedHeaders hooked;
  const std::span<const net::Header> headers = hooked.of(options_, own);
  const std::string target = location_.endpoint.path + "/wal_log.ReplicationLog/" + std::string(asking.method);
  try {
    const net::HttpResponse response = connection_.open({"POST", target, headers, body}, patient(wait));
    if (const auto status =
            grpc::status_of_headers(response.status, response.header("grpc-status"), response.header("grpc-message"));
        status && !status->ok()) {
      connection_.close();  // what may follow is nobody's
      return outcome_of(*status);
    }
    const bool joined = asking.joined && response.header(replication::kFramesHeader) == replication::kJoinedFrames;
    Body answer(*this, wait, asking, joined);
    read(answer);
    // What is behind the messages.
    while (const auto event = answer.next()) {
      if (*event != grpc::Reader::Event::Trailers) {
        connection_.close();
        throw_fault(BytesFrom::Peer, "the primary's answer", "it has more messages than the call");
      }
    }
    if (answer.reader().status()) return outcome_of(*answer.reader().status());
    return Outcome::Done;
  } catch (const net::NetError& error) {
    connection_.close();
    throw_network(error, wait);
  } catch (const core::DecodeError& error) {
    connection_.close();
    throw_fault(BytesFrom::Peer, "the primary's answer", error);
  } catch (...) {
    connection_.close();  // within the body
    throw;
  }
}

Primary::Greeting PrimaryClient::hello(const net::Wait& wait) {
  std::string request;
  replication::encode(replication::HelloRequest{1}, request);
  std::string message;
  bool complete = false;
  const Outcome outcome = call({"Hello", request, kMaxGreeting}, wait, [&](Body& body) {
    while (const auto event = body.next()) {
      if (*event == grpc::Reader::Event::Piece) message.append(body.reader().piece());
      if (*event == grpc::Reader::Event::End) complete = true;
      if (complete || *event == grpc::Reader::Event::Trailers) return;
    }
  });
  if (outcome != Outcome::Done) {
    // The same two answers would be given again.
    core::throw_error(ErrorCode::Protocol, "the primary refuses to begin a session");
  }
  if (!complete) throw_fault(BytesFrom::Peer, "the primary's greeting", "it is missing");
  try {
    const auto greeting = replication::decode_hello_response(core::Source::borrowed(message));
    const auto log_id = replication::parse_uuid(greeting->log_id);
    if (!log_id) throw_fault(BytesFrom::Peer, "the primary's greeting", "the id of its log is no UUID");
    if (greeting->session_token.size() > kMaxTokenBytes || !net::is_field_value(greeting->session_token)) {
      throw_fault(BytesFrom::Peer, "the primary's greeting", "its token is not one that can be sent back");
    }
    session_token_ = greeting->session_token;
    return {*log_id, greeting->current_replication_index};
  } catch (const core::DecodeError& error) {
    throw_fault(BytesFrom::Peer, "the primary's greeting", error);
  }
}

Primary::Outcome PrimaryClient::frames(std::uint64_t from, const Take& take, const net::Wait& wait) {
  std::string request;
  replication::encode(replication::LogOffset{from, {}}, request);
  bool complete = false;
  const Asking asking{"BatchLogEntries", request, limits_.max_message_bytes, true, true};
  const Outcome outcome = call(asking, wait, [&](Body& body) {
    replication::FramesReader frames;
    bool begun = false;
    while (const auto event = body.next()) {
      if (*event == grpc::Reader::Event::Trailers) return;
      if (*event == grpc::Reader::Event::Piece) {
        frames.feed(body.reader().piece());
        while (const auto frame = frames.next()) {
          if (body.is_joined() && !std::exchange(begun, true)) on_joined(frames.previous_checksum());
          take(std::as_bytes(std::span(frame->data)));
        }
      }
      if (*event == grpc::Reader::Event::End) {
        frames.finish();
        complete = true;
        return;
      }
    }
  });
  if (outcome == Outcome::Done && !complete) throw_fault(BytesFrom::Peer, "the primary's frames", "they are missing");
  return outcome;
}

// Any number of messages, each with many frames.
void PrimaryClient::take_messages_of_frames(Body& body, const Take& take) {
  std::optional<replication::FramesReader> frames;
  while (const auto event = body.next()) {
    switch (*event) {
      case grpc::Reader::Event::Begin:
        frames.emplace();
        break;
      case grpc::Reader::Event::Piece:
        frames->feed(body.reader().piece());
        while (const auto frame = frames->next()) take(std::as_bytes(std::span(frame->data)));
        break;
      case grpc::Reader::Event::End:
        frames->finish();
        break;
      default:
        return;
    }
  }
}

Primary::Outcome PrimaryClient::snapshot(std::uint64_t from, const Take& take, const net::Wait& wait) {
  std::string request;
  replication::encode(replication::LogOffset{from, {}}, request);
  const Asking asking{"Snapshot", request, kMaxFrameMessage, true, !is_near_};
  return call(asking, wait, [&](Body& body) {
    if (body.is_joined()) return take_messages_of_frames(body, take);
    std::string held;
    while (const auto event = body.next()) {
      switch (*event) {
        case grpc::Reader::Event::Begin:
          held.clear();
          break;
        case grpc::Reader::Event::Piece:
          held.append(body.reader().piece());
          break;
        case grpc::Reader::Event::End:
          take(std::as_bytes(std::span(replication::decode_frame_message(held).data)));
          break;
        default:
          return;
      }
    }
  });
}

}  // namespace libsql::replica
