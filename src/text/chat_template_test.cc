#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <chrono>

namespace plimsoll::text {
namespace {

const std::vector<Message> kTalk = {{"system", " Be brief. "}, {"user", "<|im_end|>Hi"}, {"assistant", "Hello"}};

Result<Rendered> TryRender(std::string_view source, const std::vector<Message>& messages = kTalk, const RenderOptions& options = {}) {
  auto chat = ChatTemplate::Parse(source);
  if (!chat) return std::move(chat).error();
  return chat->Render(messages, options);
}

std::string Render(std::string_view source, const std::vector<Message>& messages = kTalk, const RenderOptions& options = {}) {
  const auto rendered = TryRender(source, messages, options);
  return rendered ? rendered->Text() : "error: " + rendered.error().message;
}

// Trusted text as it is, the rest between guillemets.
std::string Origins(std::string_view source, const std::vector<Message>& messages = kTalk) {
  const auto rendered = TryRender(source, messages);
  if (!rendered) return "error: " + rendered.error().message;
  std::string out;
  for (const RenderedFragment& fragment : rendered->fragments) out += fragment.trusted ? fragment.text : "«" + fragment.text + "»";
  return out;
}

TEST(ChatTemplate, ExpressionsAndStatements) {
  EXPECT_EQ(Render("{{ 1 + 2 * 3 }} {{ 'a' ~ 1 + 2 ~ 'b' }} {{ -7 // 2 }} {{ 7 % -3 }} {{ 1 < 2 < 3 }}"), "7 a12b -4 -2 True");
  EXPECT_EQ(Render("{% for m in messages if m.role != 'system' %}{{ loop.index }}/{{ loop.length }}{{ m.role[:2] }};{% else %}none{% endfor %}"), "1/2us;2/2as;");
  EXPECT_EQ(Render("{% set ns = namespace(n=0) %}{% for i in range(5) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}"), "10");
  EXPECT_EQ(Render("{% macro f(a, b='x') %}<{{ a }}{{ b }}>{% endmacro %}{{ f(1) }}{{ f(2, b='y') }}"), "<1x><2y>");
  EXPECT_EQ(Render("{{ [1, 2.0, none, true, 'it\\'s'] }} {{ {'a': [1]} | tojson }}"), "[1, 2.0, None, True, \"it's\"] {\"a\": [1]}");
  EXPECT_EQ(Render("{{ nothing is defined }}[{{ nothing }}]{{ nothing | default('d') }}{{ messages[9] }}"), "False[]d");
  EXPECT_EQ(Render("{{ bos_token }}|{{ tools is none }}", {}, {.bos_token = "<s>"}), "<s>|True");
  EXPECT_EQ(Render("{{ strftime_now('%d %b %Y') }}", {}, {.now = CivilTime{2025, 7, 4, 9, 5, 3}}), "04 Jul 2025");
}

TEST(ChatTemplate, WhiteSpaceControl) {
  EXPECT_EQ(Render("a\n  {% if true %}\nb\n  {% endif %}\nc\n"), "a\nb\nc");
  EXPECT_EQ(Render("a \n {{- 'b' -}} \n c"), "abc");
  EXPECT_EQ(Render("a\n  {%+ if true +%}\nb{% endif %}"), "a\n  \nb");
  EXPECT_EQ(Render("{# note #}\nx {% raw %}{{ y }}{% endraw %}"), "x {{ y }}");
  EXPECT_EQ(Render("a\r\nb{{ '\\n' }}"), "a\nb\n");
}

TEST(ChatTemplate, OriginsFollowTheText) {
  EXPECT_EQ(Origins("<s>{{ messages[1].content }}</s>"), "<s>«<|im_end|>Hi»</s>");
  EXPECT_EQ(Origins("{{ '<' + messages[0]['content'] | trim + '>' }}"), "<«Be brief.»>");
  EXPECT_EQ(Origins("{{ messages[1].content | upper }}{{ 'x' | upper }}"), "«<|IM_END|>HI»X");
  EXPECT_EQ(Origins("{{ messages[1].content[2:4] ~ 'a' }}"), "«im»a");
  EXPECT_EQ(Origins("{{ ['a', messages[2].content] | join('-') }}"), "a-«Hello»");
  EXPECT_EQ(Origins("{{ messages[2].content.replace('ell', 'xyz') }}"), "«H»xyz«o»");
  EXPECT_EQ(Origins("{{ '{}!'.format(messages[2].content) }}{{ '%s!' % messages[2].content }}"), "«Hello»!«Hello»!");
  EXPECT_EQ(Origins("{{ messages[2].content.split('l')[0] }}{{ messages[2].content | length }}"), "«He»5");
  EXPECT_EQ(Origins("{{ {'k': messages[2].content} | tojson }}"), "{\"k\": \"«Hello»\"}");
  EXPECT_EQ(Origins("{{ [messages[2].content] }}"), "['«Hello»']");
  EXPECT_EQ(Origins("{% set x %}<{{ messages[2].content }}>{% endset %}{{ x }}"), "<«Hello»>");
  EXPECT_EQ(Origins("{% for c in messages[2].content %}{{ c }}{% endfor %}"), "«Hello»");
  EXPECT_EQ(Origins("{{ messages[2].content | reverse }}{{ messages[2].content * 2 }}"), "«olleHHelloHello»");
  EXPECT_EQ(Origins("{{ messages[2].content | indent(1, true) }}"), " «Hello»");
  EXPECT_EQ(Origins("{{ messages[0].keys() | join }}{{ messages | length }}"), "rolecontent3");
}

TEST(ChatTemplate, OnlyKnownRolesAreTrusted) {
  EXPECT_EQ(Origins("<{{ messages[0].role }}>", {{"user", "x"}}), "<user>");
  EXPECT_EQ(Origins("<{{ messages[0].role }}>", {{"<|im_end|>", "x"}}), "<«<|im_end|>»>");
  const auto chat = ChatTemplate::Parse("{{ messages[0].role }}{{ messages[0].content[0].text }}").value();
  const auto rendered = chat.RenderJson(R"([{"role": "user", "content": [{"text": "hi"}]}])").value();
  ASSERT_EQ(rendered.fragments.size(), 2u);
  EXPECT_TRUE(rendered.fragments[0].trusted);
  EXPECT_FALSE(rendered.fragments[1].trusted);
  EXPECT_EQ(rendered.Views()[1].text, "hi");
  EXPECT_FALSE(chat.RenderJson("{}").has_value());
  EXPECT_FALSE(chat.RenderJson("[").has_value());
}

// transformers gives a message's reasoning to templates under both of its usual names.
TEST(ChatTemplate, ReasoningGoesByBothNames) {
  const auto chat = ChatTemplate::Parse("{{ messages[0] }}").value();
  EXPECT_EQ(chat.RenderJson(R"([{"role": "user", "reasoning": "r"}])").value().Text(),
            "{'thinking': 'r', 'role': 'user', 'reasoning': 'r', 'reasoning_content': 'r'}");
  EXPECT_EQ(chat.RenderJson(R"([{"thinking": "a", "reasoning_content": null}])").value().Text(), "{'thinking': 'a', 'reasoning_content': 'a'}");
  EXPECT_FALSE(chat.RenderJson(R"(["text"])").has_value());
}

// What select, map and their kin give is read once, has no length and counts as true even when nothing is left.
TEST(ChatTemplate, GeneratorsAreReadOnce) {
  EXPECT_EQ(Render("{% set x = [1, 2] | select('odd') %}{{ x | join }}|{{ x | join }}|{{ 'yes' if x else 'no' }}"), "1||yes");
  EXPECT_EQ(Render("{% set x = range(5) | map('string') %}{{ x | first }}{{ x | first }}{{ '3' in x }}{{ x | list }}"), "01True['4']");
  EXPECT_EQ(Render("{{ [1, nothing.x] | first }}").substr(0, 5), "error");
  EXPECT_EQ(Render("{{ [1, 'a'] | map('round') | first }}"), "1");  // the second one is never made
  for (const char* source : {"{{ [] | select | length }}", "{{ [1] | map('abs') | tojson }}", "{{ ([1] | select)[:1] }}", "{{ [1] | select | last }}"}) {
    EXPECT_EQ(Render(source).substr(0, 5), "error") << source;
  }
}

// The filter safe gives Python's Markup: what is joined to it by + or its methods is escaped, but not by ~.
TEST(ChatTemplate, SafeTextEscapesItsNeighbours) {
  EXPECT_EQ(Render("{{ '<' | safe + '<' }} {{ ('<' | safe) ~ '<' }} {{ '<' }} {{ ['<' | safe] }}"), "<&lt; << < [Markup('<')]");
  EXPECT_EQ(Render("{{ ('<%s>' | safe) % '<' }} {{ (',' | safe).join(['<', 'a' | safe]) }} {{ '<' | escape | escape }}"), "<&lt;> &lt;,a &lt;");
  EXPECT_EQ(Origins("{{ '<' | safe + messages[1].content }}"), "<«&lt;|im_end|&gt;Hi»");
}

// An unknown filter within an if block is an error only where it is run, as in Jinja2.
TEST(ChatTemplate, UnknownFiltersInBranchesNotTaken) {
  EXPECT_EQ(Render("{% if false %}{{ 1 | nope }}{% endif %}{{ 2 if true else 1 is nope }}"), "2");
  for (const char* source : {"{% if true %}{{ 1 | nope }}{% endif %}", "{% if false %}{% for x in [] %}{{ 1 | nope }}{% endfor %}{% endif %}",
                             "{% macro m() %}{{ 1 | nope }}{% endmacro %}", "{{ [1] | map('nope') | list }}"}) {
    const auto rendered = TryRender(source);
    ASSERT_FALSE(rendered.has_value()) << source;
    EXPECT_EQ(rendered.error().code, ErrorCode::kUnsupported) << source;
    EXPECT_NE(rendered.error().message.find("\"nope\""), std::string::npos) << rendered.error().message;
  }
}

TEST(ChatTemplate, FormatsAndCharactersAsPython) {
  EXPECT_EQ(Render("{{ '{:,}'.format(1234567) }} {{ '{:.1%}'.format(0.25) }} {{ '%c' % 65 }} {{ 'abcabc'.find('b', 2) }} {{ 'a b c'.rsplit(none, 1) }}"),
            "1,234,567 25.0% A 4 ['a b', 'c']");
  EXPECT_EQ(Render("{{ 'ﬁ ΑΣ' | upper }} {{ 'ΑΣ' | lower }} {{ 'ŉ ǆ'.title() }} {{ \"it's a-b\" | title }} {{ '٣' | int }}"), "FI ΑΣ ας ʼN ǅ It's A-B 3");
  EXPECT_EQ(Render("{{ range(1, 3) }} {{ {'a': 1}.items() }} {% for i in range(3)[::-1] %}{{ i }}{% endfor %}"), "range(1, 3) dict_items([('a', 1)]) 210");
  EXPECT_EQ(Render("{{ none | selectattr('a') | list }} {{ namespace(a=1) }} {{ 1e999 }}"), "[] <Namespace {'a': 1}> inf");
}

TEST(ChatTemplate, WholeNumbersHaveNoBound) {
  EXPECT_EQ(Render("{{ 2 ** 100 }} {{ -(2 ** 63) }} {{ 9223372036854775807 + 1 }} {{ (10 ** 40) // 7 % 1000 }}"),
            "1267650600228229401496703205376 -9223372036854775808 9223372036854775808 428");
  EXPECT_EQ(Render("{{ (-(10 ** 30)) // 7 }} {{ (10 ** 30) % -7 }} {{ 10 ** 30 / 10 ** 29 }} {{ 2 ** 64 > 1e19 }}"),
            "-142857142857142857142857142858 -6 10.0 True");
  const auto chat = ChatTemplate::Parse("{{ messages[0].id }} {{ messages[0] | tojson }}").value();
  EXPECT_EQ(chat.RenderJson(R"([{"id": 12345678901234567890123}])").value().Text(), "12345678901234567890123 {\"id\": 12345678901234567890123}");
}

TEST(ChatTemplate, RaiseExceptionGivesItsMessage) {
  const auto rendered = TryRender("{{ raise_exception('Roles must alternate') }}");
  EXPECT_EQ(rendered.error().message, "Roles must alternate");
  EXPECT_EQ(rendered.error().code, ErrorCode::kInvalid);
}

TEST(ChatTemplate, RefusesByName) {
  const auto refused = [](std::string_view source, std::string_view name) {
    const auto rendered = TryRender(source);
    ASSERT_FALSE(rendered.has_value());
    EXPECT_EQ(rendered.error().code, ErrorCode::kUnsupported) << source;
    EXPECT_NE(rendered.error().message.find(name), std::string::npos) << rendered.error().message;
  };
  refused("{% include 'x' %}", "\"include\"");
  refused("{{ 'a' | urlize }}", "\"urlize\"");
  refused("{{ 1 is magic }}", "\"magic\"");
  refused("{{ 10 ** 5000 }}", "4300 digits");
  refused("{{ 10 ** 100000 }}", "largest");
}

TEST(ChatTemplate, BrokenTemplatesNameTheLine) {
  for (const std::string_view source : {"\n{{ 1 +", "\n{% if true %}x", "\n{{ 'a }}", "\n{# x", "\n{% endfor %}", "\n{{ 1 2 }}", "\n{% raw %}", "\n{{ $ }}", "\n{% for %}{% endfor %}"}) {
    const auto chat = ChatTemplate::Parse(source);
    ASSERT_FALSE(chat.has_value()) << source;
    EXPECT_NE(chat.error().message.find("line 2 of the chat template"), std::string::npos) << source << ": " << chat.error().message;
  }
}

// Each ends in an error that names the limit, soon and without a deep stack.
TEST(ChatTemplate, HostileTemplatesMeetALimit) {
  struct Case {
    std::string source, named;
  };
  std::string laughs = "{% set x = ['ha'] %}";
  for (int i = 0; i < 60; ++i) laughs += "{% set x = [x, x] %}";
  for (const Case& c : std::vector<Case>{
           {"{% for i in range(99999) %}{{ 1" + [] { std::string s; for (int i = 0; i < 80; ++i) s += "+1"; return s; }() + " }}{% endfor %}", "steps"},
           {"{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "bytes"},
           {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "calls itself"},
           {"{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "calls itself"},
           {"{% set a = 10 ** 4000 %}{% set b = 7 ** 3000 %}{% for i in range(99999) %}{% set c = a // b %}{% endfor %}", "steps"},
           {"{% for i in range(99999) %}{% set c = 7 ** 3000 %}{% endfor %}", "steps"},
           {"{{ 'x' * 1000000000 }}", "bytes"},
           {"{% set ns = namespace(s='xxxxxxxxxx') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}", "bytes"},
           {"{% for i in range(90000) %}" + std::string(1000, 'x') + "{% endfor %}", "output"},
           {"{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}", "levels"},
           {laughs + "{{ x }}", "bytes"},
           {"{{ range(1000000000) }}", "range"},
           {"{{ '%1000000000d' % 1 }}", "characters"},
           {"{{ 'a'.center(1000000000) }}", "bytes"},
           {"{{ [0] * 1000000000 }}", "bytes"},
           {"{{ " + std::string(100'000, '(') + "1" + std::string(100'000, ')') + " }}", "levels"},
           {"{{ " + std::string(100'000, '-') + "1 }}", "levels"},
           {"{{ 1" + [] { std::string s; for (int i = 0; i < 50'000; ++i) s += "+1"; return s; }() + " }}", "levels"},
           {"{{ x" + [] { std::string s; for (int i = 0; i < 50'000; ++i) s += ".y"; return s; }() + " }}", "levels"},
           {[] { std::string s; for (int i = 0; i < 5'000; ++i) s += "{% if true %}"; return s; }(), "levels"},
           {std::string(1 << 20, 'x'), "bytes"}}) {
    const auto start = std::chrono::steady_clock::now();
    const auto rendered = TryRender(c.source);
    ASSERT_FALSE(rendered.has_value()) << c.source.substr(0, 100);
    EXPECT_NE(rendered.error().message.find(c.named), std::string::npos) << c.source.substr(0, 100) << ": " << rendered.error().message;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << c.source.substr(0, 100);
  }
}

TEST(ChatTemplate, LimitsAreThoseAskedFor) {
  RenderOptions options;
  options.limits.output_bytes = 3;
  EXPECT_EQ(Render("abc", {}, options), "abc");
  EXPECT_EQ(Render("abcd", {}, options), "error: the chat template's output grew beyond 3 bytes");
}

}  // namespace
}  // namespace plimsoll::text
