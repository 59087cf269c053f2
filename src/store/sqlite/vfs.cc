#include "store/sqlite/vfs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sqlite3.h>
#include <xxhash.h>

#include "platform/faults.h"

namespace plimsoll::store {
namespace {

using platform::CallKind;

// SQLite allocates szOsFile bytes: this, and behind it the file of the VFS below.
struct ShimFile {
  sqlite3_file base;
  sqlite3_file* below;
  bool database;   // the main file, whose pages are checked
  bool checksums;  // its header says that pages have room for them
};

ShimFile* Shim(sqlite3_file* file) { return reinterpret_cast<ShimFile*>(file); }
sqlite3_file* Below(sqlite3_file* file) { return Shim(file)->below; }

sqlite3_vfs* g_below = nullptr;

// Positive: this call fails with that errno. A short transfer is no failure, and is finished below.
int Fault(CallKind kind) { return std::max(0, platform::ShouldFail(kind)); }

uint64_t PageChecksum(const unsigned char* page, sqlite3_int64 offset) {
  return XXH3_64bits_withSeed(page, kPageBytes - kReservedBytes, static_cast<uint64_t>(offset) + 1);
}

// Page 1 says at byte 20 how many bytes at the end of each page are not SQLite's.
void NoteHeader(ShimFile* shim, const unsigned char* bytes, int count, sqlite3_int64 offset) {
  if (offset == 0 && count > 20) shim->checksums = bytes[20] == kReservedBytes;
}

bool HasChecksum(const ShimFile* shim, int count, sqlite3_int64 offset) {
  return shim->database && shim->checksums && count == kPageBytes && offset % kPageBytes == 0;
}

// A page of zeros is one that was never written: the file was made longer past it.
bool PageIsWhole(const unsigned char* page, sqlite3_int64 offset) {
  uint64_t stored = 0;
  std::memcpy(&stored, page + kPageBytes - kReservedBytes, sizeof(stored));
  if (stored == PageChecksum(page, offset)) return true;
  return std::all_of(page, page + kPageBytes, [](unsigned char byte) { return byte == 0; });
}

int Close(sqlite3_file* file) { return Below(file)->pMethods->xClose(Below(file)); }

int Read(sqlite3_file* file, void* out, int count, sqlite3_int64 offset) {
  if (Fault(CallKind::kRead) != 0) return SQLITE_IOERR_READ;
  const int status = Below(file)->pMethods->xRead(Below(file), out, count, offset);
  if (status != SQLITE_OK || !Shim(file)->database) return status;
  const unsigned char* bytes = static_cast<const unsigned char*>(out);
  NoteHeader(Shim(file), bytes, count, offset);
  if (HasChecksum(Shim(file), count, offset) && !PageIsWhole(bytes, offset)) return SQLITE_IOERR_DATA;
  return SQLITE_OK;
}

int Write(sqlite3_file* file, const void* in, int count, sqlite3_int64 offset) {
  const int fault = Fault(CallKind::kWrite);
  if (fault != 0) return fault == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  const sqlite3_io_methods* below = Below(file)->pMethods;
  const unsigned char* bytes = static_cast<const unsigned char*>(in);
  if (Shim(file)->database) NoteHeader(Shim(file), bytes, count, offset);
  if (!HasChecksum(Shim(file), count, offset)) return below->xWrite(Below(file), in, count, offset);
  unsigned char page[kPageBytes];
  std::memcpy(page, bytes, kPageBytes - kReservedBytes);
  const uint64_t checksum = PageChecksum(page, offset);
  std::memcpy(page + kPageBytes - kReservedBytes, &checksum, sizeof(checksum));
  return below->xWrite(Below(file), page, count, offset);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (Fault(CallKind::kWrite) != 0) return SQLITE_IOERR_TRUNCATE;
  return Below(file)->pMethods->xTruncate(Below(file), size);
}

int Sync(sqlite3_file* file, int flags) {
  if (Fault(CallKind::kSync) != 0) return SQLITE_IOERR_FSYNC;
  return Below(file)->pMethods->xSync(Below(file), flags);
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) { return Below(file)->pMethods->xFileSize(Below(file), size); }
int Lock(sqlite3_file* file, int level) { return Below(file)->pMethods->xLock(Below(file), level); }
int Unlock(sqlite3_file* file, int level) { return Below(file)->pMethods->xUnlock(Below(file), level); }
int CheckLock(sqlite3_file* file, int* out) { return Below(file)->pMethods->xCheckReservedLock(Below(file), out); }
int Control(sqlite3_file* file, int code, void* data) {
  return Below(file)->pMethods->xFileControl(Below(file), code, data);
}
int SectorSize(sqlite3_file* file) { return Below(file)->pMethods->xSectorSize(Below(file)); }
int Traits(sqlite3_file* file) { return Below(file)->pMethods->xDeviceCharacteristics(Below(file)); }

int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  if (Fault(CallKind::kMap) != 0) return SQLITE_IOERR_SHMMAP;
  return Below(file)->pMethods->xShmMap(Below(file), page, size, extend, out);
}
int ShmLock(sqlite3_file* file, int offset, int n, int flags) {
  return Below(file)->pMethods->xShmLock(Below(file), offset, n, flags);
}
void ShmBarrier(sqlite3_file* file) { Below(file)->pMethods->xShmBarrier(Below(file)); }
int ShmUnmap(sqlite3_file* file, int remove) { return Below(file)->pMethods->xShmUnmap(Below(file), remove); }

// Version 2: shared memory, and no memory-mapped reading, which would go past the checksums.
constexpr sqlite3_io_methods kMethods = {
    2,        Close,   Read,       Write,  Truncate, Sync,    FileSize,   Lock,     Unlock,  CheckLock,
    Control,  SectorSize, Traits,  ShmMap, ShmLock,  ShmBarrier, ShmUnmap, nullptr, nullptr};

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  ShimFile* shim = Shim(file);
  *shim = ShimFile{{nullptr}, reinterpret_cast<sqlite3_file*>(shim + 1), (flags & SQLITE_OPEN_MAIN_DB) != 0, false};
  const int fault = Fault(CallKind::kOpen);
  if (fault != 0) return fault == ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN;
  const int status = g_below->xOpen(g_below, name, shim->below, flags, flags_out);
  if (status == SQLITE_OK) shim->base.pMethods = &kMethods;
  return status;
}

int Delete(sqlite3_vfs*, const char* name, int sync_folder) {
  if (Fault(CallKind::kRemove) != 0) return SQLITE_IOERR_DELETE;
  return g_below->xDelete(g_below, name, sync_folder);
}

int Register() {
  static sqlite3_vfs shim;
  g_below = sqlite3_vfs_find(nullptr);
  if (g_below == nullptr) return SQLITE_ERROR;
  shim = *g_below;  // whatever is not replaced here runs below as it stands: it finds its own state in pAppData
  shim.zName = "plimsoll";
  shim.szOsFile = static_cast<int>(sizeof(ShimFile)) + g_below->szOsFile;
  shim.pNext = nullptr;
  shim.xOpen = Open;
  shim.xDelete = Delete;
  return sqlite3_vfs_register(&shim, 0);
}

}  // namespace

Result<const char*> RegisterVfs() {
  static const int status = Register();
  if (status != SQLITE_OK) return MakeError(ErrorCode::kInternal, "SQLite did not take our file layer");
  return "plimsoll";
}

Result<void> ReserveChecksumBytes(sqlite3* database) {
  int bytes = kReservedBytes;
  if (sqlite3_file_control(database, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes) != SQLITE_OK) {
    return MakeError(ErrorCode::kInternal, "SQLite did not reserve room for page checksums");
  }
  return {};
}

}  // namespace plimsoll::store
