#include <gtest/gtest.h>

#include "documents/test_files.h"
#include "platform/clock.h"

namespace plimsoll::documents {
namespace {

using Lines = std::vector<std::string>;

Document Read(const TemporaryFolder& folder, std::string_view source) {
  auto document = ReadDocument(folder.Write("note.md", source));
  EXPECT_TRUE(document) << Describe(document.error());
  if (!document) return {};
  const auto valid = Validate(*document, {});
  EXPECT_TRUE(valid) << Describe(valid.error());
  return *std::move(document);
}

TEST(Markdown, EveryKindOfBlock) {
  const TemporaryFolder folder;
  const Document document = Read(folder, R"(---
title: "Ship's log"
author: K
---
# Install *now*

A [link](http://example.org "t"), an ![image of a ship](a.png), `code` &amp; caf&eacute;,
a second line<br>with a tag.

- one
- two
  continued
  1. deep
  2. deeper

  second paragraph of two
- [x] done

| a | b |
|---|--:|
| 1 | **2** |

```sql
SELECT 1;

SELECT 2;
```

> quoted
> text

Setext
------
<div>html <b>kept</b><script>not this</script></div>

tail
)");
  EXPECT_EQ(document.title, "Ship's log");
  EXPECT_EQ(document.format, "markdown");
  EXPECT_EQ(Outline(document),
            (Lines{"code: title: \"Ship's log\"\nauthor: K", "heading1: Install now",
                   "paragraph: A link, an image of a ship, code & café,\na second line\nwith a tag.", "item1: - one",
                   "item1: - two\ncontinued", "item2: 1. deep", "item2: 2. deeper", "item1: second paragraph of two",
                   "item1: - done", "table: a | b", "table: 1 | 2", "code: SELECT 1;\n\nSELECT 2;", "quote: quoted\ntext",
                   "heading2: Setext", "paragraph: html kept", "paragraph: tail"}));
}

TEST(Markdown, TitleIsFrontMatterElseHeadingElseName) {
  const TemporaryFolder folder;
  EXPECT_EQ(Read(folder, "# A *b*\n\ntext").title, "A b");
  EXPECT_EQ(Read(folder, "text").title, "note");
  EXPECT_EQ(Read(folder, "---\ntext after a rule").title, "note");
}

TEST(Markdown, HostileSourcesTakeLinearTime) {
  const TemporaryFolder folder;
  for (const std::string_view piece : {"> ", "[", "*a ", "![x](", "`a", "| a ", "- ", "<", "&", "a\n\n", "[a]: b\n", "*_", "``` \n"}) {
    const auto seconds = [&](size_t count) {
      const std::string source = Repeated(piece, count) + "\ntail";
      const double before = platform::MonotonicSeconds();
      (void)ReadDocument(folder.Write("hostile.md", source));
      return platform::MonotonicSeconds() - before;
    };
    const double small = seconds(4'000), large = seconds(40'000);
    EXPECT_LT(large, 40 * small + 0.5) << piece << ": " << small << " s, then " << large << " s";
  }
}

}  // namespace
}  // namespace plimsoll::documents
