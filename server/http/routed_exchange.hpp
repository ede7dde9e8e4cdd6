// Presents a request of the net room to the routes.
#pragma once

#include <string>
#include <vector>

#include "net/server.hpp"
#include "server/http/router.hpp"

namespace libsql::server {

/// Whether pages of other sites may read the answers.
enum class OtherSites : bool { Refused, Allowed };

class RoutedExchange final : public Exchange {
 public:
  RoutedExchange(net::Exchange& exchange, OtherSites other_sites)
      : exchange_(exchange), peer_(exchange.peer()), other_sites_(other_sites) {}

  std::string_view method() const noexcept override { return exchange_.request().method; }
  std::string_view path() const noexcept override { return exchange_.request().path; }
  std::string_view query() const noexcept override { return exchange_.request().query; }
  std::optional<std::string_view> header(std::string_view name) const noexcept override {
    return exchange_.request().header(name);
  }
  std::string_view body() const noexcept override { return exchange_.request().body; }
  std::string_view peer() const noexcept override { return peer_; }
  bool is_encrypted() const noexcept override { return exchange_.request().tls; }

  void add_header(std::string_view name, std::string_view value) override;
  void answer(int status, std::string_view content_type, std::string body) override;

 private:
  std::vector<net::Header> headers(std::string_view content_type) const;

  net::Exchange& exchange_;
  std::string peer_;
  OtherSites other_sites_;
  std::vector<std::pair<std::string, std::string>> more_;
};

}  // namespace libsql::server
