#include "text/template_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

namespace plimsoll::text {
namespace {

using StatementPtr = std::unique_ptr<Statement>;

class StatementParser {
 public:
  explicit StatementParser(std::vector<TemplateToken> tokens) : p_(std::move(tokens)) {}

  Body ParseAll() {
    Body body = ParseBody({});
    if (p_.Peek().kind != TokenKind::kEnd) p_.Fail(fmt::format("\"{}\" ends nothing", p_.Peek(1).text));
    p_.FailIfUnknown(0);
    return body;
  }

 private:
  // Statements up to a tag that is one of `ends`; that tag's name is left to be read.
  Body ParseBody(std::initializer_list<std::string_view> ends) {
    const ExpressionParser::Level level(p_);
    Body body;
    while (p_.Peek().kind != TokenKind::kEnd) {
      const TokenKind kind = p_.Peek().kind;
      if (kind == TokenKind::kData) {
        StatementPtr text = Make(StatementKind::kText);
        text->text = Text(p_.Next().text, true);
        body.push_back(std::move(text));
      } else if (kind == TokenKind::kVariableBegin) {
        p_.Next();
        StatementPtr output = Make(StatementKind::kOutput);
        output->expression = p_.ParseTuple();
        End(TokenKind::kVariableEnd);
        body.push_back(std::move(output));
      } else {
        const std::string& tag = p_.Peek(1).text;
        if (std::find(ends.begin(), ends.end(), tag) != ends.end()) return body;
        if (tag.starts_with("end") || tag == "else" || tag == "elif") return body;
        p_.Next();
        body.push_back(ParseTag());
      }
    }
    if (ends.size() != 0) p_.Fail(fmt::format("expected \"{}\" before the end", *(ends.end() - 1)));
    return body;
  }

  // The tag that ended a body: {% name. Gives its name.
  std::string EndingTag(std::initializer_list<std::string_view> allowed) {
    if (p_.Peek().kind == TokenKind::kEnd) p_.Fail("a block is not closed");
    p_.Next();
    const std::string name = p_.ExpectName();
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) p_.Fail(fmt::format("\"{}\" does not belong here", name));
    return name;
  }

  void End(TokenKind kind) {
    if (p_.Peek().kind != kind) p_.Fail(fmt::format("\"{}\" does not belong here", p_.Peek().text));
    p_.Next();
  }

  void EndBlock() { End(TokenKind::kBlockEnd); }

  StatementPtr Make(StatementKind kind) {
    auto made = std::make_unique<Statement>();
    made->kind = kind;
    made->line = p_.Peek().line;
    return made;
  }

  StatementPtr ParseTag() {
    const std::string tag = p_.ExpectName();
    if (tag == "if") return ParseIf();
    if (tag == "for") return ParseFor();
    if (tag == "set") return ParseSet();
    if (tag == "macro") return ParseMacro();
    if (tag == "call") return ParseCallBlock();
    if (tag == "filter") return ParseFilterBlock();
    if (tag == "with") return ParseWith();
    if (tag == "generation") return ParseGeneration();
    if (tag == "break" || tag == "continue") return ParseJump(tag);
    FailUnsupported(fmt::format("line {} of the chat template: the tag \"{}\" is not supported", p_.Peek().line, tag));
  }

  StatementPtr ParseIf() {
    StatementPtr made = Make(StatementKind::kIf);
    const size_t known = p_.unknown();
    std::string tag;
    do {
      Branch branch;
      branch.condition = p_.ParseTuple(false);
      if (p_.IsName("if")) p_.Fail("a conditional expression needs brackets here");
      EndBlock();
      branch.body = ParseBody({"elif", "else", "endif"});
      made->branches.push_back(std::move(branch));
      tag = EndingTag({"elif", "else", "endif"});
    } while (tag == "elif");
    if (tag == "else") {
      EndBlock();
      made->otherwise = ParseBody({"endif"});
      EndingTag({"endif"});
    }
    EndBlock();
    p_.ForgetUnknown(known);
    return made;
  }

  Target ParseOneTarget() {
    if (p_.Skip(TokenKind::kOperator, "(")) {
      Target inner = ParseTarget();
      p_.Expect(TokenKind::kOperator, ")");
      return inner;
    }
    Target target;
    target.name = p_.ExpectName();
    return target;
  }

  Target ParseTarget() {
    const ExpressionParser::Level level(p_);
    Target first = ParseOneTarget();
    if (!p_.IsOperator(",")) return first;
    Target several;
    several.parts.push_back(std::move(first));
    while (p_.Skip(TokenKind::kOperator, ",")) {
      if (p_.IsName("in") || p_.IsOperator("=") || p_.IsOperator(")")) break;
      several.parts.push_back(ParseOneTarget());
    }
    return several;
  }

  StatementPtr ParseFor() {
    StatementPtr made = Make(StatementKind::kFor);
    made->targets.push_back(ParseTarget());
    p_.Expect(TokenKind::kName, "in");
    made->expression = p_.ParseTuple(false);
    const size_t known = p_.unknown();
    if (p_.Skip(TokenKind::kName, "if")) made->condition = p_.Parse();
    made->recursive = p_.Skip(TokenKind::kName, "recursive");
    EndBlock();
    ++loops_;
    made->body = ParseBody({"endfor", "else"});
    --loops_;
    if (EndingTag({"endfor", "else"}) == "else") {
      EndBlock();
      made->otherwise = ParseBody({"endfor"});
      EndingTag({"endfor"});
    }
    EndBlock();
    p_.FailIfUnknown(known);
    return made;
  }

  StatementPtr ParseSet() {
    StatementPtr made = Make(StatementKind::kSet);
    if (p_.IsOperator(".", 1)) {
      Target target;
      target.name = p_.ExpectName();
      p_.Next();
      target.attribute = p_.ExpectName();
      made->targets.push_back(std::move(target));
    } else {
      made->targets.push_back(ParseTarget());
    }
    if (p_.Skip(TokenKind::kOperator, "=")) {
      made->expression = p_.ParseTuple();
      EndBlock();
      return made;
    }
    made->kind = StatementKind::kSetBlock;
    const size_t known = p_.unknown();
    if (p_.Skip(TokenKind::kOperator, "|")) made->expression = p_.ParseFilterChain(nullptr);
    EndBlock();
    made->body = ParseBody({"endset"});
    EndingTag({"endset"});
    EndBlock();
    p_.FailIfUnknown(known);
    return made;
  }

  void ParseParameters(Statement& made) {
    p_.Expect(TokenKind::kOperator, "(");
    while (!p_.IsOperator(")")) {
      made.parameters.push_back(p_.ExpectName());
      const bool has_default = p_.Skip(TokenKind::kOperator, "=");
      if (!has_default && !made.values.empty() && made.values.back() != nullptr) p_.Fail("a parameter without a default follows one with a default");
      made.values.push_back(has_default ? p_.Parse() : nullptr);
      if (!p_.Skip(TokenKind::kOperator, ",")) break;
    }
    p_.Expect(TokenKind::kOperator, ")");
  }

  // Macros take further arguments only if their body speaks of them.
  void ParseMacroBody(Statement& made, std::string_view end) {
    const size_t begin = p_.position();
    const size_t known = p_.unknown();
    const int loops = std::exchange(loops_, 0);
    made.body = ParseBody({end});
    loops_ = loops;
    made.takes_varargs = p_.Mentions("varargs", begin);
    made.takes_kwargs = p_.Mentions("kwargs", begin);
    made.takes_caller = p_.Mentions("caller", begin);
    EndingTag({end});
    EndBlock();
    p_.FailIfUnknown(known);
  }

  StatementPtr ParseMacro() {
    StatementPtr made = Make(StatementKind::kMacro);
    made->name = p_.ExpectName();
    ParseParameters(*made);
    EndBlock();
    ParseMacroBody(*made, "endmacro");
    return made;
  }

  StatementPtr ParseCallBlock() {
    StatementPtr made = Make(StatementKind::kCallBlock);
    made->name = "caller";
    if (p_.IsOperator("(")) ParseParameters(*made);
    made->expression = p_.Parse();
    if (made->expression->kind != ExpressionKind::kCall) p_.Fail("a call block needs a call");
    EndBlock();
    ParseMacroBody(*made, "endcall");
    return made;
  }

  StatementPtr ParseFilterBlock() {
    StatementPtr made = Make(StatementKind::kFilterBlock);
    const size_t known = p_.unknown();
    made->expression = p_.ParseFilterChain(nullptr);
    EndBlock();
    made->body = ParseBody({"endfilter"});
    EndingTag({"endfilter"});
    EndBlock();
    p_.FailIfUnknown(known);
    return made;
  }

  StatementPtr ParseWith() {
    StatementPtr made = Make(StatementKind::kWith);
    while (p_.Peek().kind != TokenKind::kBlockEnd) {
      made->targets.push_back(ParseOneTarget());
      p_.Expect(TokenKind::kOperator, "=");
      made->values.push_back(p_.Parse());
      if (!p_.Skip(TokenKind::kOperator, ",")) break;
    }
    EndBlock();
    const size_t known = p_.unknown();
    made->body = ParseBody({"endwith"});
    EndingTag({"endwith"});
    EndBlock();
    p_.FailIfUnknown(known);
    return made;
  }

  StatementPtr ParseGeneration() {
    StatementPtr made = Make(StatementKind::kGroup);
    const size_t known = p_.unknown();
    EndBlock();
    made->body = ParseBody({"endgeneration"});
    EndingTag({"endgeneration"});
    EndBlock();
    p_.FailIfUnknown(known);
    return made;
  }

  StatementPtr ParseJump(const std::string& tag) {
    if (loops_ == 0) p_.Fail(fmt::format("\"{}\" outside of a loop", tag));
    StatementPtr made = Make(tag == "break" ? StatementKind::kBreak : StatementKind::kContinue);
    EndBlock();
    return made;
  }

  ExpressionParser p_;
  int loops_ = 0;
};

}  // namespace

Result<std::unique_ptr<const TemplateProgram>> ParseTemplate(std::string_view source) {
  PLIMSOLL_ASSIGN(std::vector<TemplateToken> tokens, LexTemplate(source));
  try {
    auto program = std::make_unique<TemplateProgram>();
    program->body = StatementParser(std::move(tokens)).ParseAll();
    return program;
  } catch (TemplateFailure& failure) {
    return std::move(failure.error);
  }
}

}  // namespace plimsoll::text
