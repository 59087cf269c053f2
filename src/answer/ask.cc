#include "answer/ask.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "answer/citation_marks.h"
#include "answer/citations.h"
#include "answer/evidence.h"
#include "answer/passages.h"
#include "answer/repetition.h"
#include "text/utf8.h"

namespace plimsoll::answer {
namespace {

constexpr size_t kNearestShown = 3;
constexpr uint64_t kNearestQuoteChars = 300;

// How models say that they do not know, in answers of one or two sentences; lower case.
constexpr auto kDoesNotSay = std::to_array<std::string_view>(
    {"passages do not say", "passage does not say", "not mentioned in the passage", "passages do not mention",
     "passages do not contain", "passages do not provide", "passage does not provide", "passages do not answer",
     "not provided in the passage", "no information about", "cannot answer", "i don't know", "i do not know"});

Answer NotInDocuments(const std::vector<Hit>& hits, const std::string& because) {
  Answer answer;
  answer.not_in_documents = true;
  answer.text = "This is not in your documents.";
  if (!because.empty()) answer.notices.push_back("not found: " + because);
  CitationList list;
  for (size_t i = 0; i < std::min(hits.size(), kNearestShown); ++i) {
    const uint64_t length = text::CountCodePoints(hits[i].chunk.text);
    list.Cite(hits[i], 0, std::min(length, kNearestQuoteChars));
  }
  answer.citations = list.Take();
  if (!answer.citations.empty()) answer.text += " The nearest passages are listed.";
  return answer;
}

bool SaysItDoesNotKnow(const std::string& text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::ranges::any_of(kDoesNotSay, [&](std::string_view phrase) { return lower.find(phrase) != std::string::npos; });
}

void Add(std::vector<std::string>* notices, const std::vector<std::string>& more) {
  notices->insert(notices->end(), more.begin(), more.end());
}

Answer Extracted(const AskOptions& options, const std::vector<Hit>& hits, std::string notice) {
  Answer answer = ExtractiveAnswer(options.question, hits);
  answer.notices.push_back(std::move(notice));
  return answer;
}

// A model that begins to repeat itself is stopped; the text ends before the repetition, the stop reason is "repetition".
Result<engine::GenerateResult> Generate(const AskOptions& options, Prompt& prompt, engine::Generator& generator,
                                        const engine::TextSink& sink, const ProgressSink& progress, const StopToken& stop) {
  engine::GenerateRequest request;
  request.prompt = std::move(prompt.tokens);
  request.max_tokens = options.max_answer_tokens;
  CitationMarkFilter filter;
  RepetitionWatch watch;
  const auto show = [&](const std::string& text) { return text.empty() || !sink || sink(text); };
  const auto take = [&](std::string_view piece) { return watch.Feed(piece) && show(filter.Feed(piece)); };
  PLIMSOLL_ASSIGN(engine::GenerateResult result, generator.Generate(request, take, progress, stop));
  show(filter.Finish());
  if (watch.repeats()) {
    result.text = watch.Kept();
    result.stop_reason = "repetition";
  }
  return result;
}

// What the model did not find stands below the passages' own nearest sentences.
Answer ModelFindsNothing(const AskOptions& options, const std::vector<Hit>& hits) {
  Answer answer = ExtractiveAnswer(options.question, hits);
  answer.not_in_documents = true;
  answer.text = "The model finds no answer to this in your documents. What comes nearest:\n" + answer.text;
  return answer;
}

// What to make of the text that the model wrote.
Answer Judge(const AskOptions& options, const std::vector<Hit>& hits, const Prompt& prompt, const engine::GenerateResult& generated) {
  Answer answer;
  CiteSentences(WithoutCitationMarks(generated.text), prompt.passages, &answer);
  const bool any_supported = std::ranges::any_of(answer.sentences, &Sentence::supported);
  if (!any_supported && SaysItDoesNotKnow(generated.text)) {
    answer = ModelFindsNothing(options, hits);
  } else if (!any_supported) {
    const std::vector<Sentence> rejected = std::move(answer.sentences);
    answer = Extracted(options, hits, "no sentence that the model wrote is supported by the passages; these are the passages' own");
    answer.sentences.insert(answer.sentences.end(), rejected.begin(), rejected.end());
  } else if (generated.stop_reason == "length") {
    answer.notices.push_back(fmt::format("the answer was cut after {} tokens", options.max_answer_tokens));
  } else if (generated.stop_reason == "repetition") {
    answer.notices.push_back("the model began to repeat itself and was stopped");
  }
  Add(&answer.notices, prompt.notices);
  answer.prompt_tokens = generated.prompt_tokens;
  answer.completion_tokens = static_cast<uint32_t>(generated.tokens.size());
  answer.first_token_s = generated.prefill_s;
  return answer;
}

}  // namespace

Result<Answer> Ask(const AskOptions& options, const std::vector<Hit>& hits, engine::Generator* generator, engine::Embedder*,
                   const engine::TextSink& sink, const ProgressSink& progress, const StopToken& stop) {
  const Evidence evidence = WeighHits(options.question, hits);
  if (evidence.weak()) return NotInDocuments(hits, evidence.weak_because);
  if (!generator) return ExtractiveAnswer(options.question, hits);
  auto prompt = BuildPrompt(options, hits, *generator);
  if (!prompt) {
    if (prompt.error().code == ErrorCode::kUsage || prompt.error().code == ErrorCode::kCancelled) return std::move(prompt).error();
    return Extracted(options, hits, "without the model: " + Describe(prompt.error()));
  }
  auto generated = Generate(options, *prompt, *generator, sink, progress, stop);
  PLIMSOLL_TRY(stop.Check());
  if (!generated) {
    if (generated.error().code == ErrorCode::kCancelled) return std::move(generated).error();
    return Extracted(options, hits, "without the model: " + Describe(generated.error()));
  }
  return Judge(options, hits, *prompt, *generated);
}

}  // namespace plimsoll::answer
