// The byte-level alphabet of GPT-2's encoder: each of the 256 bytes as one printable character, so that a vocabulary of
// texts can hold any bytes. Printable Latin-1 characters stand for themselves, the other 68 bytes are U+0100 and on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::text {

char32_t ByteLevelCharacter(uint8_t byte);
std::optional<uint8_t> ByteOfCharacter(char32_t character);

void AppendByteLevel(std::string& out, std::string_view bytes);

// The bytes that a token stands for; the token itself where it has a character outside the alphabet.
void AppendBytesOfToken(std::string& out, std::string_view token);

}  // namespace plimsoll::text
