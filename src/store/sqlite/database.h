// SQLite's C interface with owners and Results: a connection, a statement, a transaction. Everything else in this
// folder speaks SQL through these. One thread at a time per connection.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace plimsoll::store {

class Database;

// One prepared statement. Bind from 1; Step until false; Reset to run it again (bindings stay). It must end before its
// connection. Text and blobs read from it hold until the next Step or Reset.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& Bind(int index, int64_t value);
  Statement& Bind(int index, std::string_view text);
  Statement& BindBlob(int index, std::span<const std::byte> bytes);  // `bytes` must live until Reset
  Result<bool> Step();  // true: a row
  Result<void> Run();   // for what gives no rows: Step and Reset
  void Reset();

  int64_t Int(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;
  std::span<const std::byte> Blob(int column) const;
  bool Null(int column) const;

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  Database* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
  int bind_status_ = 0;
};

class Database {
 public:
  enum class Mode { kRead, kReadWrite, kCreate };
  static Result<Database> Open(const std::string& file, Mode mode);
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  ~Database();

  Result<Statement> Prepare(std::string_view sql);
  Result<void> Execute(const char* sql);          // one or more statements without parameters
  Result<int64_t> ReadInt(const char* sql);       // first column of the first row; 0 without rows
  int64_t last_insert_id() const;
  // The error for SQLite's status, with the file, SQLite's own words and what to do. Corruption is kInvalid.
  Error ErrorFor(int status) const;

  sqlite3* handle() const { return handle_; }
  const std::string& file() const { return file_; }

 private:
  Database(std::string file, sqlite3* handle) : file_(std::move(file)), handle_(handle) {}
  std::string file_;
  sqlite3* handle_ = nullptr;
};

// Writes from Begin to Commit are one: all of them or, when it goes without Commit, none.
class Transaction {
 public:
  static Result<Transaction> Begin(Database& database);  // takes the write lock at once, so that waiting happens here
  Transaction(Transaction&& other) noexcept : database_(other.database_) { other.database_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> Commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_ = nullptr;
};

}  // namespace plimsoll::store
