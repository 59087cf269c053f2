#include "text/byte_level.h"

#include <array>

#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr size_t kCharacters = 0x100 + 68;

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<int16_t, kCharacters> byte{};
};

constexpr bool IsPrintable(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr Alphabet MakeAlphabet() {
  Alphabet alphabet;
  for (int16_t& byte : alphabet.byte) byte = -1;
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const uint32_t character = IsPrintable(byte) ? byte : next++;
    alphabet.character[byte] = character;
    alphabet.byte[character] = static_cast<int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = MakeAlphabet();

}  // namespace

char32_t ByteLevelCharacter(uint8_t byte) { return kAlphabet.character[byte]; }

std::optional<uint8_t> ByteOfCharacter(char32_t character) {
  if (character >= kCharacters || kAlphabet.byte[character] < 0) return std::nullopt;
  return static_cast<uint8_t>(kAlphabet.byte[character]);
}

void AppendByteLevel(std::string& out, std::string_view bytes) {
  for (const char byte : bytes) AppendUtf8(out, ByteLevelCharacter(static_cast<uint8_t>(byte)));
}

void AppendBytesOfToken(std::string& out, std::string_view token) {
  const size_t before = out.size();
  for (size_t at = 0; at < token.size();) {
    const CodePoint point = DecodeAt(token, at);
    const std::optional<uint8_t> byte = point.valid ? ByteOfCharacter(point.value) : std::nullopt;
    if (!byte) {
      out.resize(before);
      out.append(token);
      return;
    }
    out.push_back(static_cast<char>(*byte));
    at += point.length;
  }
}

}  // namespace plimsoll::text
