// JSON as the commands print it: keys keep the order in which they are written.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace plimsoll::cli {

using Json = nlohmann::ordered_json;

// {"error": {...}} without the fields that do not apply.
Json ErrorJson(const Error& error);

// The text of a JSON value; bytes that are no UTF-8 are replaced.
std::string Dump(const Json& json, int indent = -1);

}  // namespace plimsoll::cli
