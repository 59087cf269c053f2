// Lexer of chat templates: text between tags, and the tokens within them. White space control happens here, as Jinja2 does
// it with trim_blocks and lstrip_blocks on: a newline right after a block or comment goes, so does the indentation
// before one; "-" strips all white space on its side, "+" keeps it. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::text {

enum class TokenKind : uint8_t { kData, kVariableBegin, kVariableEnd, kBlockBegin, kBlockEnd, kName, kString, kInteger, kFloat, kOperator, kEnd };

struct TemplateToken {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // a string's value with its escapes resolved, otherwise as written
  int line = 1;
};

// The tokens, closed by one of kind kEnd. kInvalid: an unclosed tag or string, a character that begins no token.
Result<std::vector<TemplateToken>> LexTemplate(std::string_view source);

}  // namespace plimsoll::text
