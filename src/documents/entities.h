// Character references of HTML and Markdown: &amp; &#8212; &#x2014;. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace plimsoll::documents {

// Appends what `reference` (from & to ; both included, or without the ;) stands for; false, nothing appended, where it
// stands for nothing. Names are those of HTML 4; without ; only the few that HTML 5 allows. NBSP becomes a space.
bool AppendEntity(std::string& out, std::string_view reference);
// Every reference in a text replaced.
std::string DecodeEntities(std::string_view text);

}  // namespace plimsoll::documents
