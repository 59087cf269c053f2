#include "text/post_processor.h"

#include <array>
#include <utility>

#include "text/byte_level.h"

namespace plimsoll::text {
namespace {

// What the reference library's WordPiece decoder replaces within each token, in this order.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kCleanup = {{
    {" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
    {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
}};

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

void Decoder::Append(std::string_view token, bool first, std::string& out) const {
  if (kind == Kind::kByteLevel) {
    AppendBytesOfToken(out, token);
    return;
  }
  std::string piece;
  if (!first) {
    const bool continues = kind == Kind::kWordPiece && token.starts_with(prefix);
    if (continues) token.remove_prefix(prefix.size());
    if (!continues) piece = " ";
  }
  piece += token;
  if (kind == Kind::kWordPiece && cleanup) {
    for (const auto& [from, to] : kCleanup) ReplaceAll(piece, from, to);
  }
  out += piece;
}

}  // namespace plimsoll::text
