// The answers to calls of gRPC-web.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/server.hpp"
#include "replication/grpc_status.hpp"
#include "replication/grpc_web.hpp"
#include "server/base/body_record.hpp"

namespace libsql::server {

namespace grpc = replication::grpc;

/// A failure of the call as a whole.
class CallFailed : public std::exception {
 public:
  explicit CallFailed(grpc::Status status) : status_(std::move(status)) {}
  CallFailed(grpc::Code code, std::string message) : status_{code, std::move(message)} {}
  const grpc::Status& status() const noexcept { return status_; }
  const char* what() const noexcept override { return status_.message.c_str(); }

 private:
  grpc::Status status_;
};

/// The whole answer is this status, which goes into the headers, where a message may have colons.
void answer_status(net::Exchange& exchange, const grpc::Status& status);
/// How the messages of an answer are written.
struct AnswerForm {
  grpc::Form form = grpc::Form::Binary;
  bool compressed = false;  // where that makes them shorter
  bool joined = false;      // see replication/extensions.hpp

  void append(std::string_view message, std::string& to) const;
};
/// What who asks for frames wants.
AnswerForm answer_form_of(const net::Request& request, grpc::Form form) noexcept;

/// One message and success. Requires: `message` has fewer than 4 GiB.
void answer_message(net::Exchange& exchange, const AnswerForm& form, std::string_view message);
/// An answer of many messages, which `body` writes with their framing.
void answer_stream(net::Exchange& exchange, const AnswerForm& form, std::unique_ptr<net::BodySource> body);
/// What a call ends with that threw this, in the words that sqld 0.24.33 was observed to use.
grpc::Status status_of_exception(const std::exception_ptr& thrown, bool has_credentials);

}  // namespace libsql::server
