#include "base/error.h"

#include <array>
#include <utility>

namespace plimsoll {
namespace {

// In the order of ErrorCode.
constexpr std::array<ErrorTraits, 14> kTraits = {{
    {"usage", 2, 400},
    {"not_found", 3, 404},
    {"invalid", 4, 422},
    {"unsupported", 5, 415},
    {"over_budget", 6, 507},
    {"out_of_memory", 6, 507},
    {"io", 7, 500},
    {"disk_full", 7, 507},
    {"busy", 8, 409},
    {"remote", 9, 502},
    {"timeout", 70, 504},
    {"crashed", 70, 500},
    {"internal", 70, 500},
    {"cancelled", 130, 499},
}};

}  // namespace

const ErrorTraits& TraitsOf(ErrorCode code) { return kTraits[static_cast<size_t>(code)]; }

ErrorCode CodeNamed(std::string_view name) {
  for (size_t i = 0; i < kTraits.size(); ++i) {
    if (kTraits[i].name == name) return static_cast<ErrorCode>(i);
  }
  return ErrorCode::kInternal;
}

Error&& Error::Because(std::string text) && {
  cause = std::move(text);
  return std::move(*this);
}
Error&& Error::Next(std::string text) && {
  next = std::move(text);
  return std::move(*this);
}
Error&& Error::In(std::string path) && {
  file = std::move(path);
  return std::move(*this);
}
Error&& Error::At(uint64_t byte) && {
  offset = byte;
  return std::move(*this);
}
Error&& Error::Needs(uint64_t bytes, uint64_t limit) && {
  needed_bytes = bytes;
  limit_bytes = limit;
  return std::move(*this);
}

Error MakeError(ErrorCode code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  return error;
}

std::string Describe(const Error& error) {
  std::string out;
  if (!error.file.empty()) {
    out += error.file;
    if (error.offset) out += " at byte " + std::to_string(*error.offset);
    out += ": ";
  }
  out += error.message;
  if (!error.cause.empty()) out += " (" + error.cause + ")";
  if (!error.next.empty()) out += ". Next: " + error.next;
  return out;
}

Error Prefixed(Error error, std::string_view what) {
  error.message = std::string(what) + ": " + error.message;
  return error;
}

}  // namespace plimsoll
