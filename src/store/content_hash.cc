#include "store/content_hash.h"

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "platform/file.h"

namespace plimsoll::store {
namespace {

using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Error DigestFailed(const std::string& path) {
  return MakeError(ErrorCode::kInternal, "the SHA-256 of the crypto library failed").In(path);
}

std::string Hex(const unsigned char* bytes, size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace

Result<std::string> HashFileContent(const std::string& path, const StopToken& stop) {
  PLIMSOLL_ASSIGN(const platform::File file, platform::File::Open(path, platform::File::Mode::kRead));
  const Digest digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!digest || EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1) return DigestFailed(path);
  std::vector<std::byte> piece(kMiB);
  for (uint64_t offset = 0;;) {
    PLIMSOLL_TRY(stop.Check());
    PLIMSOLL_ASSIGN(const size_t count, file.ReadSome(offset, piece));
    if (count == 0) break;
    if (EVP_DigestUpdate(digest.get(), piece.data(), count) != 1) return DigestFailed(path);
    offset += count;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> result;
  unsigned int length = 0;
  if (EVP_DigestFinal_ex(digest.get(), result.data(), &length) != 1) return DigestFailed(path);
  return Hex(result.data(), length);
}

}  // namespace plimsoll::store
