#include <algorithm>
#include <iterator>

#include "documents/html_blocks.h"

namespace plimsoll::documents {
namespace {

struct Named {
  std::string_view name;
  HtmlElement element;
};
using enum HtmlElement;
// Sorted by name.
constexpr Named kElements[] = {
    {"address", kBlock}, {"area", kVoid}, {"article", kMain}, {"aside", kBlock}, {"audio", kDropped}, {"base", kVoid},
    {"blockquote", kQuote}, {"body", kBlock}, {"br", kBreak}, {"canvas", kDropped}, {"caption", kBlock},
    {"center", kBlock}, {"col", kVoid}, {"datalist", kDropped}, {"dd", kTerm}, {"details", kBlock}, {"dialog", kBlock},
    {"dir", kList}, {"div", kBlock}, {"dl", kTerms}, {"dt", kTerm}, {"embed", kVoid}, {"fieldset", kBlock},
    {"figcaption", kBlock}, {"figure", kBlock}, {"footer", kBlock}, {"form", kBlock}, {"h1", kHeading},
    {"h2", kHeading}, {"h3", kHeading}, {"h4", kHeading}, {"h5", kHeading}, {"h6", kHeading}, {"header", kBlock},
    {"hgroup", kBlock}, {"hr", kRule}, {"iframe", kDropped}, {"img", kImage}, {"input", kVoid}, {"legend", kBlock},
    {"li", kItem}, {"link", kVoid}, {"listing", kCode}, {"main", kMain}, {"menu", kList}, {"meta", kVoid},
    {"nav", kNavigation}, {"noembed", kDropped}, {"noframes", kDropped}, {"object", kDropped}, {"ol", kList},
    {"p", kParagraph}, {"param", kVoid}, {"pre", kCode}, {"script", kDropped}, {"section", kBlock},
    {"select", kDropped}, {"source", kVoid}, {"style", kDropped}, {"summary", kBlock}, {"svg", kDropped},
    {"table", kTable}, {"td", kCell}, {"template", kDropped}, {"textarea", kBlock}, {"th", kCell}, {"title", kTitle},
    {"tr", kRow}, {"track", kVoid}, {"ul", kList}, {"video", kDropped}, {"wbr", kVoid}, {"xmp", kCode}};
static_assert(std::ranges::is_sorted(kElements, {}, &Named::name));

}  // namespace

HtmlElement ElementNamed(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kElements, name, {}, &Named::name);
  return found != std::end(kElements) && found->name == name ? found->element : kOther;
}

}  // namespace plimsoll::documents
