#include "worker/parse_main.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <new>
#include <optional>

#include <fmt/format.h>

#include "base/bytes.h"
#include "documents/reader.h"
#include "platform/faults.h"
#include "platform/memory_facts.h"
#include "platform/process.h"
#include "worker/protocol.h"

namespace plimsoll::worker {
namespace {

constexpr int kUsage = 2;
constexpr int kFailed = 70;
// Of text; as JSON, with its blocks, it has to fit into one frame.
constexpr uint64_t kMaxTextBytes = 32 * kMiB;

template <class T>
bool ParseNumber(const std::string& text, T* value) {
  const char* last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, *value);
  return problem == std::errc{} && end == last && *value > 0;
}

documents::ReadLimits LimitsFor(const ParseMainOptions& options) {
  documents::ReadLimits limits;
  limits.document.text_bytes = kMaxTextBytes;
  limits.time_ms = options.seconds_per_document * 1000;
  limits.pdf_memory_bytes = std::min(limits.pdf_memory_bytes, options.memory_bytes);
  return limits;
}

Result<ReplyBody> ReadOne(const std::string& path, const ParseMainOptions& options) {
  try {
    PLIMSOLL_ASSIGN(const documents::Document document, documents::ReadDocument(path, LimitsFor(options)));
    return ReplyBody(ParsedDocument{documents::ToJson(document)});
  } catch (const std::bad_alloc&) {
    return MakeError(ErrorCode::kOutOfMemory, fmt::format("reading the document takes more than the {} of memory that a parser may have",
                                                          FormatBytes(options.memory_bytes)))
        .In(path)
        .Next("split the document, or convert it to text");
  } catch (const std::exception& problem) {
    return MakeError(ErrorCode::kInternal, fmt::format("unexpected while reading the document: {}", problem.what())).In(path);
  }
}

Result<std::string> Answer(const Request& request, const ParseMainOptions& options) {
  const auto* parse = std::get_if<ParseRequest>(&request.body);
  if (parse == nullptr) return MakeError(ErrorCode::kInternal, "not a request for a parser");
  Result<ReplyBody> body = ReadOne(parse->path, options);
  Result<std::string> packed = Pack(Encode(Reply{request.id, body ? *std::move(body) : ReplyBody(std::move(body).error())}));
  if (packed) return packed;
  const Error too_long = MakeError(ErrorCode::kInvalid, "the document has more text and structure than can be taken").In(parse->path);
  return Pack(Encode(Reply{request.id, too_long}));
}

// The next request; nullopt at the end of input.
Result<std::optional<Request>> NextRequest(FrameReader& reader) {
  for (;;) {
    PLIMSOLL_ASSIGN(const std::optional<Frame> frame, reader.Next());
    if (frame) {
      PLIMSOLL_ASSIGN(Request request, DecodeRequest(*frame));
      return std::optional<Request>(std::move(request));
    }
    PLIMSOLL_ASSIGN(const size_t count, platform::ReadStandardInput(reader.Space(), -1));
    if (count == 0) return std::optional<Request>();
    reader.Filled(count);
  }
}

Result<void> Serve(const ParseMainOptions& options) {
  FrameReader reader;
  for (;;) {
    PLIMSOLL_ASSIGN(const std::optional<Request> request, NextRequest(reader));
    if (!request) return {};
    PLIMSOLL_ASSIGN(const std::string reply, Answer(*request, options));
    PLIMSOLL_TRY(platform::WriteStandardOutput(std::as_bytes(std::span(reply))));
  }
}

}  // namespace

std::vector<std::string> ParseArguments(const ParseMainOptions& options) {
  return {"worker", "parse", std::to_string(options.memory_bytes), std::to_string(options.seconds_per_document)};
}

int ParserWorkerMain(std::span<const std::string> arguments) {
  ParseMainOptions options;
  if (arguments.size() != 2 || !ParseNumber(arguments[0], &options.memory_bytes) ||
      !ParseNumber(arguments[1], &options.seconds_per_document)) {
    return kUsage;
  }
  platform::PreferAsOutOfMemoryVictim();
  if (!platform::SetFaultFromEnvironment()) return kUsage;
  try {
    return Serve(options) ? 0 : kFailed;
  } catch (const std::exception&) {
    return kFailed;
  }
}

}  // namespace plimsoll::worker
