// The workload that trains the profile-guided build (preset release-pgo): a shop with customers, goods and orders, used
// in the many ways programs use a database. It is not a benchmark and shares no schema and no query with one, so that
// what the benchmarks gain from the profile is what others can expect, too.
//   libsql_pgo_training DIRECTORY      an empty working directory

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <libsql/libsql.hpp>

namespace {

namespace fs = std::filesystem;

constexpr int kCustomers = 4000;
constexpr int kArticles = 1500;
constexpr int kOrders = 20000;

/// What was read is added up here, so that no compiler leaves the reading out.
std::int64_t g_sum = 0;

std::string word(std::mt19937& random) {
  static constexpr std::array<std::string_view, 16> kSyllables = {"ka", "lo",  "mi", "ter", "ra", "ven", "os", "ul",
                                                                  "be", "dan", "i",  "gro", "pe", "sta", "nu", "fo"};
  std::string text;
  for (unsigned n = 2 + random() % 3; n > 0; --n) text += kSyllables[random() % kSyllables.size()];
  return text;
}

void create(libsql::Connection& conn) {
  conn.execute_batch(R"sql(
    CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, credit REAL DEFAULT 0, since TEXT);
    CREATE INDEX customer_city ON customer (city, name);
    CREATE TABLE article (id INTEGER PRIMARY KEY, code TEXT UNIQUE NOT NULL, price INTEGER NOT NULL CHECK (price >= 0),
                          attributes TEXT, picture BLOB, stock INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id),
                           placed INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'open');
    CREATE INDEX purchase_customer ON purchase (customer_id);
    CREATE TABLE item (purchase_id INTEGER NOT NULL REFERENCES purchase (id) ON DELETE CASCADE, line INTEGER NOT NULL,
                       article_id INTEGER NOT NULL REFERENCES article (id), quantity INTEGER NOT NULL,
                       PRIMARY KEY (purchase_id, line)) WITHOUT ROWID;
    CREATE INDEX item_article ON item (article_id);
    CREATE TABLE movement (article_id INTEGER, change INTEGER, note TEXT);
    CREATE TRIGGER item_sold AFTER INSERT ON item BEGIN
      UPDATE article SET stock = stock - new.quantity WHERE id = new.article_id;
    END;
  )sql");
}

void fill(libsql::Connection& conn, std::mt19937& random) {
  std::vector<std::tuple<std::string, std::optional<std::string>, double>> customers;
  for (int i = 0; i < kCustomers; ++i) {
    std::optional<std::string> city;
    if (i % 7 != 0) city = word(random);
    customers.emplace_back(word(random) + ' ' + word(random), city, static_cast<double>(random() % 100000) / 7.0);
  }
  conn.execute_many("INSERT INTO customer (name, city, credit, since) VALUES (?, ?, ?, date('now'))", customers);

  auto article = conn.prepare("INSERT INTO article (code, price, attributes, picture, stock) VALUES (?, ?, ?, ?, ?)");
  {
    auto tx = conn.transaction(libsql::TransactionBehavior::Immediate);
    for (int i = 0; i < kArticles; ++i) {
      libsql::Blob picture(random() % 600 + (i % 100 == 0 ? 9000 : 0));
      for (auto& byte : picture) byte = static_cast<std::byte>(random());
      const std::string attributes = R"({"colour": ")" + word(random) + R"(", "weight": )" +
                                     std::to_string(random() % 900) + R"(, "tags": [")" + word(random) + R"(", ")" +
                                     word(random) + R"("]})";
      article.execute("A" + std::to_string(i * 37), random() % 20000, attributes, picture, 1000);
    }
    tx.commit();
  }

  auto purchase = conn.prepare("INSERT INTO purchase (customer_id, placed) VALUES (?1, ?2)");
  auto item = conn.prepare("INSERT INTO item VALUES (:purchase, :line, :article, :quantity)");
  int placed = 0;
  while (placed < kOrders) {
    auto tx = conn.transaction(libsql::TransactionBehavior::Immediate);
    for (int i = 0; i < 500; ++i, ++placed) {
      const auto result = purchase.run(1 + random() % kCustomers, 1700000000 + placed * 61);
      const int lines = 1 + static_cast<int>(random() % 4);
      for (int line = 1; line <= lines; ++line) {
        item.execute(libsql::named("purchase", result.last_insert_rowid), libsql::named("line", line),
                     libsql::named("article", 1 + random() % kArticles), libsql::named("quantity", 1 + random() % 9));
      }
    }
    tx.commit();
  }
}

/// Wide loads of plain values, in an order that the key does not follow, and back out as many.
void load_and_scan(libsql::Connection& conn, std::mt19937& random) {
  conn.execute("CREATE TABLE reading (id INTEGER PRIMARY KEY, sensor INTEGER, level REAL, label TEXT, raw BLOB)");
  auto insert = conn.prepare("INSERT INTO reading VALUES (?, ?, ?, ?, ?)");
  std::array<std::byte, 24> raw{};
  {
    auto tx = conn.transaction(libsql::TransactionBehavior::Immediate);
    for (std::int64_t i = 0; i < 150000; ++i) {
      raw[static_cast<std::size_t>(i) % raw.size()] = static_cast<std::byte>(i);
      insert.execute(i, random() % 1000, static_cast<double>(i) * 0.25, "label of a reading", libsql::BlobView(raw));
    }
    tx.commit();
  }
  for (int round = 0; round < 6; ++round) {
    for (const auto& [id, sensor, level, label, bytes] :
         conn.query<std::int64_t, int, double, std::string_view, libsql::BlobView>("SELECT * FROM reading")) {
      g_sum += id + sensor + static_cast<std::int64_t>(level) + static_cast<std::int64_t>(label.size() + bytes.size());
    }
    for (const auto& row : conn.query("SELECT label, level, sensor FROM reading WHERE sensor < ?", 500)) {
      g_sum += static_cast<std::int64_t>(row.get<std::string>(0).size()) + row.get<std::int64_t>("sensor");
    }
    g_sum += conn.query_value<std::int64_t>("SELECT count(*) FROM reading WHERE level > 100 AND label LIKE '%of a%'");
    g_sum +=
        conn.query_value<std::int64_t>("SELECT sum(n) FROM (SELECT sensor, count(*) n FROM reading GROUP BY sensor)");
  }
  conn.execute("CREATE INDEX reading_sensor ON reading (sensor, level)");
  conn.execute("DELETE FROM reading WHERE sensor % 3 = ?", 0);
}

void look_up(libsql::Connection& conn, std::mt19937& random) {
  auto by_id = conn.prepare("SELECT name, city, credit FROM customer WHERE id = ?");
  for (int i = 0; i < 120000; ++i) {
    for (const auto& row : by_id.query(1 + random() % kCustomers)) {
      g_sum += static_cast<std::int64_t>(row.get<std::string_view>(0).size());
    }
  }
  for (int i = 0; i < 60000; ++i) {
    const auto price = conn.query_row_optional<std::int64_t, int>("SELECT price, stock FROM article WHERE code = ?",
                                                                  "A" + std::to_string(random() % kArticles * 37));
    if (price) g_sum += std::get<0>(*price);
  }
  // The same look-ups inside one read transaction, where opening and closing it weighs nothing.
  auto tx = conn.transaction(libsql::TransactionBehavior::Deferred);
  for (int i = 0; i < 80000; ++i) {
    g_sum +=
        std::get<0>(by_id.query_row<std::string, std::optional<std::string>, double>(1 + random() % kCustomers)).size();
  }
  tx.commit();
}

void report(libsql::Connection& conn, std::mt19937& random) {
  static constexpr std::array<const char*, 9> kReports = {
      "SELECT c.name, count(*), sum(i.quantity * a.price) AS total FROM customer c JOIN purchase p ON p.customer_id = "
      "c.id "
      "JOIN item i ON i.purchase_id = p.id JOIN article a ON a.id = i.article_id GROUP BY c.id ORDER BY total DESC "
      "LIMIT 20",
      "SELECT city, avg(credit), max(name) FROM customer WHERE city IS NOT NULL GROUP BY city HAVING count(*) > 1 "
      "ORDER BY 2",
      "SELECT a.code, (SELECT sum(quantity) FROM item WHERE article_id = a.id) AS sold FROM article a ORDER BY sold "
      "LIMIT 50",
      "WITH RECURSIVE day(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM day WHERE n < 300) SELECT n, count(p.id) FROM "
      "day "
      "LEFT JOIN purchase p ON (p.placed - 1700000000) / 86400 = n GROUP BY n",
      "SELECT id, rank() OVER (PARTITION BY customer_id ORDER BY placed), lag(placed) OVER (ORDER BY id) FROM purchase",
      "SELECT attributes ->> 'colour' AS colour, sum(json_extract(attributes, '$.weight')) FROM article GROUP BY "
      "colour",
      "SELECT DISTINCT upper(substr(name, 1, 3)) || '-' || length(name) FROM customer WHERE name GLOB '*ra*' ORDER BY "
      "1",
      "SELECT id FROM customer WHERE credit BETWEEN 500 AND 9000 INTERSECT SELECT customer_id FROM purchase EXCEPT "
      "SELECT id FROM customer WHERE city IN ('kalo', 'miter')",
      "SELECT strftime('%Y-%m', placed, 'unixepoch') AS month, state, count(*) FROM purchase GROUP BY 1, 2 ORDER BY 1, "
      "2"};
  for (int round = 0; round < 4; ++round) {
    for (const char* sql : kReports) {
      for (const auto& row : conn.query(sql)) g_sum += row.column_count();
    }
    // Texts that no cache has seen: the parser and the planner.
    for (int i = 0; i < 1500; ++i) {
      const std::string n = std::to_string(random() % 100000);
      auto fresh = conn.prepare(
          "SELECT p.id, c.name FROM purchase AS p JOIN customer AS c ON c.id = p.customer_id WHERE p.id > " + n +
          " AND (c.city = 'x" + n + "' OR p.state <> 'open') ORDER BY p.placed LIMIT 3");
      g_sum += fresh.column_count();
    }
  }
}

/// Small transactions, as a web application makes them.
void trade(libsql::Connection& conn, std::mt19937& random) {
  for (int i = 0; i < 6000; ++i) {
    conn.execute("UPDATE purchase SET state = ? WHERE id = ?", i % 2 == 0 ? "sent" : "paid", 1 + random() % kOrders);
    conn.execute("INSERT INTO movement VALUES (?, ?, ?)", 1 + random() % kArticles, -1, "a note on it");
    if (i % 10 == 0) {
      auto tx = conn.transaction(libsql::TransactionBehavior::Immediate);
      conn.execute("UPDATE customer SET credit = credit - 1 WHERE id = ?", 1 + random() % kCustomers);
      auto inner = conn.transaction();
      conn.execute("DELETE FROM purchase WHERE id = ?", 1 + random() % kOrders);
      if (i % 20 == 0) {
        inner.rollback();
      } else {
        inner.commit();
      }
      tx.commit();
    }
    if (i % 50 == 0) {
      conn.execute("INSERT INTO article (code, price) VALUES (?, 5) ON CONFLICT (code) DO UPDATE SET stock = stock + 1",
                   "A" + std::to_string(random() % kArticles * 37));
    }
  }
  try {
    conn.execute("INSERT INTO article (code, price) VALUES ('A37', -1)");
  } catch (const libsql::Constraint&) {
    ++g_sum;
  }
}

void search(libsql::Connection& conn, std::mt19937& random) {
  conn.execute_batch(R"sql(
    CREATE VIRTUAL TABLE names USING fts5(name, content='customer', content_rowid='id');
    INSERT INTO names (names) VALUES ('rebuild');
  )sql");
  for (int i = 0; i < 300; ++i) {
    for (const auto& row :
         conn.query("SELECT rowid, rank FROM names WHERE names MATCH ? ORDER BY rank LIMIT 10", word(random) + "*")) {
      g_sum += row.get<std::int64_t>(0);
    }
  }
}

void run_all(const std::string& path, const std::optional<libsql::Encryption>& encryption) {
  std::mt19937 random(20240229);
  auto builder = libsql::Builder::local(path);
  if (encryption) builder.encryption(*encryption);
  const auto database = builder.build();
  auto conn = database.connect();
  create(conn);
  fill(conn, random);
  look_up(conn, random);
  if (encryption) return;  // The ciphers are trained by now; the rest would give them more weight than most files do.
  report(conn, random);
  load_and_scan(conn, random);
  trade(conn, random);
  search(conn, random);
  conn.execute("ANALYZE");
  conn.execute("VACUUM");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: libsql_pgo_training DIRECTORY\n";
    return 2;
  }
  const fs::path directory = argv[1];
  fs::remove_all(directory);
  fs::create_directories(directory);
  run_all((directory / "training.db").string(), std::nullopt);
  run_all(":memory:", std::nullopt);
  if (!libsql::cipher_version().empty()) {
    run_all((directory / "encrypted.db").string(), libsql::Encryption("a key for training"));
  }
  fs::remove_all(directory);
  std::cout << "trained (" << g_sum << ")\n";
  return 0;
}
