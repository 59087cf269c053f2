// Ask: from a question and its hits to an answer with citations that we made. Passages that fit are numbered by us and
// sent through the model's own template as untrusted content; the answer's sentences are matched to passages by their
// content (never by what the model quotes), and a sentence that no passage supports is marked. Where no passage answers
// the question, that is the answer. Without a generator, or when it fails, the extractive answer: the best supported
// sentences of the passages themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "answer/retrieve.h"
#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "engine/generator.h"

namespace plimsoll::answer {

struct Citation {
  uint32_t n = 0;          // from 1, as it stands in the answer: [1]
  std::string document;    // title
  std::string path;
  uint32_t page = 0;       // 0: none
  std::string section;
  uint64_t start_char = 0, end_char = 0;  // of `quote` in the document's extracted text, code points
  std::string quote;       // the passage's own sentence that supports
};

struct Sentence {
  std::string text;
  bool supported = false;
  std::vector<uint32_t> citations;  // numbers n
};

struct Answer {
  std::string text;                  // with [n] after supported sentences, [unsupported] marks added only by the CLI
  std::vector<Sentence> sentences;
  std::vector<Citation> citations;   // in order of first use
  bool not_in_documents = false;
  bool extractive = false;
  uint32_t prompt_tokens = 0, completion_tokens = 0;
  double first_token_s = 0;          // from the start of generation
  std::vector<std::string> notices;  // what was cut, what fell back, and why
};

struct AskOptions {
  std::string question;
  uint32_t max_answer_tokens = 256;
  std::optional<double> prefill_tok_s;  // measured before, to choose how much to send; nullopt: not known
};

// Streams the answer's text to `sink` as it is made (without citation marks, which come with the result).
Result<Answer> Ask(const AskOptions& options, const std::vector<Hit>& hits, engine::Generator* generator,
                   engine::Embedder* embedder, const engine::TextSink& sink, const ProgressSink& progress,
                   const StopToken& stop);

// The answer without a model: the sentences of the hits that best match the question, cited.
Answer ExtractiveAnswer(const std::string& question, const std::vector<Hit>& hits);

// Whether a sentence is supported by a passage's text, and which of its sentences supports it most.
struct Support { bool supported = false; double score = 0; uint64_t start_char = 0, end_char = 0; std::string why_not; };
// `headings`: of the passage; what they say counts as said in it, but is not quoted. Characters count from the passage's start.
Support CheckSupport(const std::string& sentence, const std::string& passage, const std::string& headings = {});

}  // namespace plimsoll::answer
