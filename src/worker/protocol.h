// The language between a command and its workers: requests one way, replies the other, as plain structs. The tables in
// protocol_requests.cc and protocol_replies.cc say what their fields are called; message_io.h alone knows of JSON.
// A request carries a number; every reply repeats it. While the worker works it sends events (Progress, TextPiece,
// Planned, Heartbeat), and at the end exactly one result or an Error. Cancel may be sent at any time and has no reply of
// its own. Neither side trusts the other: types, ranges, counts and depth are checked, floats are finite, text is valid
// UTF-8 (repaired when sent). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "checkpoint/description.h"
#include "engine/generator.h"
#include "engine/perplexity.h"
#include "loading/plan.h"
#include "worker/frames.h"
#include "worker/quarantine.h"
#include "worker/reports.h"

namespace plimsoll::worker {

inline constexpr uint32_t kProtocolVersion = 1;

struct DescribeRequest {};
struct PlanRequest { loading::Wishes wishes; };
struct TokenizeRequest {
  std::string text;
  bool add_special = true;
  bool parse_special = true;  // literal special tokens in the text are recognised
};
struct CountRequest { std::vector<std::string> texts; };
struct RenderRequest {
  std::vector<text::Message> messages;
  bool add_generation_prompt = true;
  bool trusted = false;
};
struct LoadRequest {
  loading::Wishes wishes;
  std::vector<AvoidedPlan> avoided;
};
struct LogitsRequest { std::vector<int32_t> ids; uint32_t top = 0; };
struct BenchRequest { uint32_t prompt_tokens = 0, decode_tokens = 0; };
struct PerplexityRequest { std::vector<int32_t> ids; uint32_t chunk_tokens = 512, chunks = 0; };
struct ConvertRequest {
  loading::Precision precision = loading::Precision::kQ8;
  std::string path;    // of the file to write; raw bytes
  bool replace = false;
};
struct EmbedRequest {
  std::vector<std::string> texts;
  std::vector<std::vector<int32_t>> sequences;  // of token ids, special ones included, instead of texts
  std::optional<checkpoint::Pooling> pooling;
  bool trusted = false;  // literal special tokens in the texts are recognised
};
struct EncoderRequest {};
struct ParseRequest { std::string path; };  // raw bytes; the one request of a parser worker
struct ShutdownRequest {};
struct CancelRequest {};  // of the request with this number

using RequestBody = std::variant<DescribeRequest, PlanRequest, TokenizeRequest, CountRequest, RenderRequest, LoadRequest,
                                 engine::GenerateRequest, LogitsRequest, BenchRequest, PerplexityRequest, ConvertRequest, EmbedRequest,
                                 EncoderRequest, ParseRequest, ShutdownRequest, CancelRequest>;
struct Request {
  uint64_t id = 0;
  RequestBody body;
};

// Events.
struct Ready { uint32_t version = kProtocolVersion; };  // the worker's first message, number 0
struct Heartbeat { uint64_t memory_bytes = 0; };        // several a second while there is work: the ledger's figure
struct TextPiece { std::string text; };
struct Planned { uint64_t resident_bytes = 0, key = 0; };  // from now on the worker means to stay below this
// Results that are not in reports.h.
struct TokenIds { std::vector<int32_t> ids; };
struct TokenCounts { std::vector<uint32_t> counts; };
struct ParsedDocument { std::string json; };  // documents::ToJson; whoever gets it checks it

using ReplyBody = std::variant<Ready, Heartbeat, Progress, TextPiece, Planned, Error, ModelSummary, loading::Plan, TokenIds,
                               TokenCounts, RenderedChat, LoadReport, engine::GenerateResult, LogitsReport, BenchReport, engine::Perplexity, ConvertReport,
                               Embeddings, EncoderFacts, ParsedDocument>;
struct Reply {
  uint64_t id = 0;
  ReplyBody body;
};

Frame Encode(const Request& request);
Frame Encode(const Reply& reply);

// kInvalid with what is wrong in the message.
Result<Request> DecodeRequest(const Frame& frame);
Result<Reply> DecodeReply(const Frame& frame);

}  // namespace plimsoll::worker
