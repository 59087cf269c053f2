// What went wrong, for a person and for a script: one Error carries the numbers, the place, the cause and the
// next step. Built anywhere, printed only by cli/. Values; may be moved between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll {

// One code per way of failing that a caller or a script may want to tell apart.
enum class ErrorCode {
  kUsage,        // the person's command or request is wrong
  kNotFound,     // a file, model, document or collection is not there
  kInvalid,      // input that is corrupt, truncated or lies about itself
  kUnsupported,  // well formed, but we do not read or do it
  kOverBudget,   // needs more memory than the limit, seen before the fact
  kOutOfMemory,  // the system refused or ended it for want of memory, seen after the fact
  kIo,           // reading, writing or a system call failed
  kDiskFull,     // no space left
  kBusy,         // another process holds it
  kRemote,       // a remote endpoint failed
  kTimeout,      // a deadline passed
  kCrashed,      // a worker process ended by itself
  kInternal,     // our own fault
  kCancelled,    // stopped by the person
};

struct ErrorTraits {
  std::string_view name;  // as in JSON, e.g. "over_budget"
  int exit_code;          // section 8 of the design: 2, 3, 4, 5, 6, 7, 8, 9, 70, 130
  int http_status;
};

// The one table from an error's code to its name, exit code and HTTP status.
const ErrorTraits& TraitsOf(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // what happened, with numbers and names; no final full stop
  std::string cause;    // why, where that is known
  std::string next;     // what to do next
  std::string file;     // the file concerned, as the person named it
  std::optional<uint64_t> offset;        // byte in `file`
  std::optional<uint64_t> needed_bytes;  // over budget, disk full
  std::optional<uint64_t> limit_bytes;

  // Fluent setters, so that an error reads as one expression where it is made.
  Error&& Because(std::string text) &&;
  Error&& Next(std::string text) &&;
  Error&& In(std::string path) &&;
  Error&& At(uint64_t byte) &&;
  Error&& Needs(uint64_t bytes, uint64_t limit) &&;
};

// Makes an Error with a code and a message; the rest follows by the setters above.
Error MakeError(ErrorCode code, std::string message);

// One paragraph: message, file and byte, cause, next step. For terminals and logs.
std::string Describe(const Error& error);

// The same error, its message preceded by what was being done ("reading shard 2 of 3: ...").
Error Prefixed(Error error, std::string_view what);

// The code of that name; kInternal for an unknown one (used when an error comes from another process).
ErrorCode CodeNamed(std::string_view name);

}  // namespace plimsoll
