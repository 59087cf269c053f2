#include "store/sqlite/database.h"

#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/check.h"
#include "store/sqlite/vfs.h"

namespace plimsoll::store {
namespace {

// How long a second process waits for the first's transaction; ours take well under a second.
constexpr int kBusyTimeoutMs = 5000;

Error StatusError(int extended, const std::string& what) {
  if (extended == SQLITE_IOERR_DATA) {
    return MakeError(ErrorCode::kInvalid, "the collection is damaged: a page of it does not have the checksum it was written with");
  }
  switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return MakeError(ErrorCode::kBusy, "another process is writing to the collection")
          .Next("wait until the other command is done and try again");
    case SQLITE_FULL:
      return MakeError(ErrorCode::kDiskFull, "no space left on the disk for the collection")
          .Next("free some space and run the command again: it goes on where it was");
    case SQLITE_CORRUPT:
      return MakeError(ErrorCode::kInvalid, "the collection is damaged").Because(what);
    case SQLITE_NOTADB:
      return MakeError(ErrorCode::kInvalid, "the file is no collection: it is not an SQLite database")
          .Next("name another collection, or move the file away");
    case SQLITE_NOMEM:
      return MakeError(ErrorCode::kOutOfMemory, "no memory for the collection's database");
    case SQLITE_CANTOPEN:
      return MakeError(ErrorCode::kIo, "the collection cannot be opened").Because(what)
          .Next("check that its folder is there and may be written");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return MakeError(ErrorCode::kIo, "the collection may not be written").Because(what)
          .Next("check the permissions of the file and its folder");
    case SQLITE_IOERR:
      return MakeError(ErrorCode::kIo, "reading or writing the collection failed").Because(what);
    case SQLITE_INTERRUPT:
      return MakeError(ErrorCode::kCancelled, "stopped");
    default:
      return MakeError(ErrorCode::kInternal, "the collection's database refused a command").Because(what);
  }
}

constexpr std::string_view kDamagedNext = "remove the collection and ingest its documents again; the documents themselves are not touched";

}  // namespace

Error Database::ErrorFor(int status) const {
  std::string what = fmt::format("SQLite: {} ({})", handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(status), status);
  Error error = StatusError(status, what).In(file_);
  if (error.code == ErrorCode::kInvalid && error.next.empty()) error.next = kDamagedNext;
  return error;
}

Result<Database> Database::Open(const std::string& file, Mode mode) {
  PLIMSOLL_ASSIGN(const char* const vfs, RegisterVfs());
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::kCreate) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int status = sqlite3_open_v2(file.c_str(), &handle, flags, vfs);
  Database database(file, handle);
  if (status != SQLITE_OK) return database.ErrorFor(status);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  return database;
}

Database::Database(Database&& other) noexcept
    : file_(std::move(other.file_)), handle_(std::exchange(other.handle_, nullptr)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(handle_, other.handle_);
  return *this;
}

Database::~Database() {
  if (handle_) sqlite3_close_v2(handle_);
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int status = sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (status != SQLITE_OK) return ErrorFor(status);
  return Statement(this, statement);
}

Result<void> Database::Execute(const char* sql) {
  const int status = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return ErrorFor(status);
  return {};
}

Result<int64_t> Database::ReadInt(const char* sql) {
  PLIMSOLL_ASSIGN(Statement statement, Prepare(sql));
  PLIMSOLL_ASSIGN(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), bind_status_(other.bind_status_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(statement_, other.statement_);
  std::swap(bind_status_, other.bind_status_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::Bind(int index, int64_t value) {
  bind_status_ |= sqlite3_bind_int64(statement_, index, value);
  return *this;
}

Statement& Statement::Bind(int index, std::string_view text) {
  const char* data = text.data() ? text.data() : "";  // a null pointer would bind NULL
  bind_status_ |= sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int index, std::span<const std::byte> bytes) {
  bind_status_ |= sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(), SQLITE_STATIC);
  return *this;
}

Result<bool> Statement::Step() {
  if (bind_status_ != SQLITE_OK) return database_->ErrorFor(std::exchange(bind_status_, SQLITE_OK));
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  Error error = database_->ErrorFor(status);
  sqlite3_reset(statement_);
  return error;
}

Result<void> Statement::Run() {
  PLIMSOLL_ASSIGN(const bool row, Step());
  PLIMSOLL_CHECK(!row);
  Reset();
  return {};
}

void Statement::Reset() { sqlite3_reset(statement_); }

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::Real(int column) const { return sqlite3_column_double(statement_, column); }
bool Statement::Null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string Statement::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::byte> Statement::Blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const std::byte*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<Transaction> Transaction::Begin(Database& database) {
  PLIMSOLL_TRY(database.Execute("BEGIN IMMEDIATE"));
  return Transaction(&database);
}

// SQLite rolls back by itself after some errors (a full disk, an I/O error); the second time is no error to us.
Transaction::~Transaction() {
  if (database_ && sqlite3_get_autocommit(database_->handle()) == 0) (void)database_->Execute("ROLLBACK");
}

Result<void> Transaction::Commit() {
  PLIMSOLL_TRY(database_->Execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace plimsoll::store
