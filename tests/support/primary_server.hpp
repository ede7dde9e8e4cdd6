// A server in this process that replicas can follow, on a port that stays the same when it is started again.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "server/server.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {

class PrimaryServerTest : public ::testing::Test {
 protected:
  PrimaryServerTest() { start(); }
  ~PrimaryServerTest() override { stop(); }

  void start() {
    server::Options options;
    options.database = directory_.file("served.db");
    options.http.port = port_;
    options.replication.log = true;
    server_ = std::make_unique<server::Server>(std::move(options));
    server_->start();
    port_ = server_->port();
  }
  void stop() {
    if (server_ != nullptr) server_->stop(std::chrono::seconds(1));
    server_ = nullptr;
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  TemporaryDirectory directory_;
  std::uint16_t port_ = 0;
  std::unique_ptr<server::Server> server_;
};

}  // namespace libsql::test
