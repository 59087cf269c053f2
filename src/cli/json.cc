#include "cli/json.h"

namespace plimsoll::cli {

Json ErrorJson(const Error& error) {
  const ErrorTraits& traits = TraitsOf(error.code);
  Json json = {{"code", traits.name}, {"exit", traits.exit_code}, {"message", error.message}};
  if (!error.cause.empty()) json["cause"] = error.cause;
  if (!error.next.empty()) json["next"] = error.next;
  if (!error.file.empty()) json["file"] = error.file;
  if (error.offset) json["offset"] = *error.offset;
  if (error.needed_bytes) json["needed_bytes"] = *error.needed_bytes;
  if (error.limit_bytes) json["limit_bytes"] = *error.limit_bytes;
  return {{"error", json}};
}

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace plimsoll::cli
