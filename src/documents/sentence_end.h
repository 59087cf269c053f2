// Where a sentence of running text ends. Internal to sentences.cc.
#pragma once

#include <cstddef>
#include <string_view>

namespace plimsoll::documents {

// The end of the sentence that begins at byte `begin` of `text` (at most text.size()), closing quotes, brackets and
// reference marks such as [2] included. Looks back a few bytes and ahead over spaces only: linear over a text.
size_t SentenceEnd(std::string_view text, size_t begin);

}  // namespace plimsoll::documents
