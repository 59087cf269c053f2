#include <gtest/gtest.h>

#include "documents/entities.h"
#include "documents/html_blocks.h"
#include "documents/test_files.h"
#include "platform/clock.h"

namespace plimsoll::documents {
namespace {

using Lines = std::vector<std::string>;

Document Parse(std::string_view html, size_t piece = 1 << 16, uint32_t nesting = 1'000'000) {
  DocumentBuilder out("html", {});
  HtmlBlocks blocks(out, nesting);
  HtmlTokenizer tokenizer(blocks);
  for (size_t at = 0; at < html.size(); at += piece) tokenizer.Append(html.substr(at, piece));
  tokenizer.Finish();
  blocks.Finish();
  Document document = out.Finish("name");
  const auto valid = Validate(document, {});
  EXPECT_TRUE(valid) << Describe(valid.error());
  return document;
}

constexpr std::string_view kPage = R"(<!DOCTYPE html><html><head><title>The &quot;Guide&quot;</title>
<style>p { color: red }</style><script>if (a < b) document.write("</p>");</script></head>
<body><nav><ul><li>Home<li>About</ul></nav><main>
<h1 id=top>Install &amp; run</h1>
<p>First   line
with <b>bold</b>, a <a href="x">link</a>&nbsp;and caf&eacute;.<br>New line.<p>Second &#8212; &#x2014; &notanentity; a < b.
<ul><li>one<li>two<ul><li>deep</ul><li><p>three</p></ul>
<ol start=3><li>c</li><li>d</li></ol>
<table><tr><th>Name<th>Size<tr><td><p>a</p><td>1</table>
<pre>
  x = 1
    y &lt; 2
</pre><blockquote>Said so.</blockquote>
<img src="x.png" alt="A ship"><!-- no > comment --><p hidden>gone</p><div style="Display : NONE">gone <b>too</b></div>
<span aria-hidden="true">gone</span><svg><title>no</title><text>gone</text></svg>
<dl><dt>Term<dd>Meaning</dl></main></body></html>)";

TEST(Html, BlocksOfAPage) {
  const Document document = Parse(kPage);
  EXPECT_EQ(document.title, "The \"Guide\"");
  EXPECT_EQ(Outline(document),
            (Lines{"heading1: Install & run", "paragraph: First line with bold, a link and café.\nNew line.",
                   "paragraph: Second — — &notanentity; a < b.", "item1: - one", "item1: - two", "item2: - deep",
                   "item1: - three", "item1: 3. c", "item1: 4. d", "table: Name | Size", "table: a | 1",
                   "code:   x = 1\n    y < 2", "quote: Said so.", "paragraph: A ship", "paragraph: Term",
                   "paragraph: Meaning"}));
}

TEST(Html, PiecesMakeNoDifference) {
  const Document whole = Parse(kPage);
  for (const size_t piece : {1, 2, 3, 7, 64}) {
    const Document pieces = Parse(kPage, piece);
    EXPECT_EQ(pieces.text, whole.text) << piece;
    EXPECT_EQ(Outline(pieces), Outline(whole)) << piece;
  }
}

TEST(Html, BrokenMarkup) {
  EXPECT_EQ(Parse("a <b").text, "a");
  EXPECT_EQ(Parse("1 < 2 <3 <").text, "1 < 2 <3 <");
  EXPECT_EQ(Parse("x</>y</ z>!").text, "xy!");
  EXPECT_EQ(Parse("a<!-- x --->b<!-->c<!--->d<?php ?>e<![CDATA[f]]>g").text, "abcdeg");
  EXPECT_EQ(Parse("<a title='>'>x</a>").text, "x");
  EXPECT_EQ(Parse("<script>no</scripty></script>yes").text, "yes");
  EXPECT_EQ(Parse("<script>no").text, "");
  EXPECT_EQ(Parse("&amp &ampx &#65 &#0; &#xD800; &#99999999999; &#128;").text,
            "& &ampx A \xEF\xBF\xBD \xEF\xBF\xBD \xEF\xBF\xBD €");
  EXPECT_EQ(Parse("<nav>menu<main>text</main>").text, "text");
  EXPECT_EQ(Parse("</div></p></li></table></b>text").text, "text");
}

TEST(Html, NamesOfElementsInAnyCase) { EXPECT_EQ(Outline(Parse("<H2>x</h2><P>y")), (Lines{"heading2: x", "paragraph: y"})); }

TEST(Html, APowerIsNotANumber) { EXPECT_EQ(Parse("<p>2<sup>48</sup> bytes").text, "2^48 bytes"); }

TEST(Html, TitleFallsBack) {
  EXPECT_EQ(Parse("<h1>Head</h1>").title, "Head");
  EXPECT_EQ(Parse("<p>x").title, "name");
  EXPECT_EQ(Parse("<title> </title><p>x").title, "name");
}

TEST(Html, CellsThatLayOutAPageAreParagraphs) {
  const std::string long_text = Repeated("word ", 100);
  const Document document = Parse("<table><tr><td><p>" + long_text + "<p>" + long_text + "<h2>Head</h2>tail</table>");
  EXPECT_EQ(document.blocks.size(), 4u);
}

TEST(Html, TooDeepIsCutWithTheRestKept) {
  DocumentBuilder out("html", {});
  HtmlBlocks blocks(out, 100);
  HtmlTokenizer tokenizer(blocks);
  tokenizer.Append("<p>before</p>" + Repeated("<div>", 101) + "after");
  EXPECT_TRUE(blocks.too_deep());
  EXPECT_EQ(out.Finish("n").text, "before");
}

// What made other parsers quadratic: each must take ten times as long for ten times as much, with room for noise.
TEST(Html, HostileMarkupTakesLinearTime) {
  struct Case {
    std::string_view name, before, after;
    size_t largest;
  };
  for (const Case& hostile : {Case{"div", "<div>", "</div>", 1'000'000}, Case{"left open", "<div>", "", 1'000'000},
                              Case{"unmatched inline", "<b>", "</i>", 300'000},
                              Case{"paragraphs in divs", "<div><p>", "</p></div>", 200'000},
                              Case{"body tags", "<div>", "<body a=1>", 300'000},
                              Case{"tables", "<table><tr><td>", "</table>", 300'000},
                              Case{"lists", "<ul><li>", "</ul>", 300'000}, Case{"less than", "<", "<", 1'000'000},
                              Case{"references", "&", "&a;", 300'000}, Case{"comments", "<!--", "-", 300'000},
                              Case{"headings", "<h1>", "</h2>", 300'000}, Case{"cells", "<td>x", "</tr>", 300'000}}) {
    const auto seconds = [&](size_t count) {
      const std::string html = Repeated(hostile.before, count) + "hello" + Repeated(hostile.after, count);
      const double before = platform::MonotonicSeconds();
      Parse(html, 1 << 16, 2'000'000);
      return platform::MonotonicSeconds() - before;
    };
    const double small = seconds(hostile.largest / 10);
    const double large = seconds(hostile.largest);
    EXPECT_LT(large, 40 * small + 0.5) << hostile.name << ": " << small << " s, then " << large << " s";
  }
  std::string tag = "<a ";
  for (int i = 0; i < 500'000; ++i) tag += "a" + std::to_string(i) + "=1 ";
  const double before = platform::MonotonicSeconds();
  EXPECT_EQ(Parse(tag + "href=\"" + std::string(10'000'000, 'a') + "\">t").text, "t");
  EXPECT_LT(platform::MonotonicSeconds() - before, 3);
}

TEST(Entities, InAnyText) {
  EXPECT_EQ(DecodeEntities("a &lt; b &amp;&amp; &bogus; &"), "a < b && &bogus; &");
  EXPECT_EQ(DecodeEntities("&mdash;&#x1F6A2;"), "—🚢");
}

}  // namespace
}  // namespace plimsoll::documents
