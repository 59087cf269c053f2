#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "answer/ask.h"
#include "answer/ingest.h"
#include "backends/worker_backend.h"
#include "base/bytes.h"
#include "cli/commands.h"
#include "cli/retrieval.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/memory_facts.h"
#include "store/sqlite/sqlite_store.h"

namespace plimsoll::cli {
namespace {

constexpr uint32_t kPassages = 8;  // retrieved; how many of them are sent is the answer room's decision

// What one question used and took, for the JSON and the last line.
struct Account {
  double retrieve_s = 0, load_s = 0, first_token_s = 0;
  uint64_t planned_bytes = loading::kParentWithStoreBytes, peak_bytes = 0;
  std::string backend = "extract", rung = "extract";

  void Saw(const worker::ModelWorker& worker, uint64_t planned) {
    planned_bytes = std::max(planned_bytes, planned);
    peak_bytes = std::max(peak_bytes, worker.peak_resident_bytes());
  }
};

// The documents of --in, read into a collection that goes when the question is answered.
class TemporaryCollection {
 public:
  static Result<TemporaryCollection> Create() {
    TemporaryCollection collection;
    PLIMSOLL_ASSIGN(collection.folder_, platform::MakeTemporaryFolder("plimsoll-ask"));
    return collection;
  }
  TemporaryCollection(TemporaryCollection&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  TemporaryCollection& operator=(TemporaryCollection&& other) noexcept {
    std::swap(folder_, other.folder_);
    return *this;
  }
  ~TemporaryCollection() {
    if (!folder_.empty()) (void)platform::RemoveFolderTree(folder_);
  }
  std::string file() const { return folder_ + "/question.db"; }

 private:
  TemporaryCollection() = default;
  std::string folder_;
};

// The hits for the question; the embedder and the parser are gone when it returns, so that the chat model has the room.
Result<std::vector<answer::Hit>> FindPassages(Session& session, store::Store& store, Account& account) {
  std::optional<LoadedEmbedder> embedder;
  if (session.options.in_paths.empty()) {
    PLIMSOLL_ASSIGN(embedder, EmbedderOf(session, store));
  } else {
    PLIMSOLL_TRY(CheckPathsExist(session.options.in_paths));
    PLIMSOLL_ASSIGN(const auto model, ChooseEmbedder(session, store));
    if (model) {
      auto loaded = LoadEmbedder(session, *model);
      if (loaded) embedder = std::move(*loaded);
      if (!loaded && loaded.error().code == ErrorCode::kCancelled) return std::move(loaded).error();
      if (!loaded) session.console.Notice("note: searching by keywords alone: " + Describe(loaded.error()));
    }
    worker::ParserWorker parser(ParserShare(session, embedder ? embedder->planned_bytes : loading::kParentWithStoreBytes));
    answer::IngestOptions ingest{session.options.in_paths, embedder ? embedder->embedder.get() : nullptr, embedder ? embedder->path : ""};
    const auto reader = [&](const std::string& path, const StopToken& stop) { return parser.Read(path, stop); };
    PLIMSOLL_ASSIGN(const auto report, answer::Ingest(store, reader, ingest, session.progress.sink(), session.stop));
    session.progress.Clear();
    for (const auto& file : report.files) {
      if (file.state == "failed" || file.state == "skipped") session.console.Notice(fmt::format("note: {} {}: {}", file.path, file.state, file.reason));
    }
  }
  auto hits = answer::Retrieve(store, embedder ? embedder->embedder.get() : nullptr, session.options.question, kPassages,
                               answer::SearchMode::kHybrid, session.stop);
  if (embedder) account.Saw(*embedder->worker, embedder->planned_bytes);
  return hits;
}

struct ChatModel {
  std::unique_ptr<worker::ModelWorker> worker;
  std::unique_ptr<backends::WorkerGenerator> generator;
  worker::LoadReport load;
};

// The chat model, loaded; nullopt with a notice where none is installed or, unless one was asked for by name, none fits.
Result<std::optional<ChatModel>> LoadChatModel(Session& session, std::vector<std::string>& notices) {
  const Options& options = session.options;
  std::string model = options.model.model;
  if (model.empty()) {
    PLIMSOLL_ASSIGN(const auto installed, session.home.DefaultModel("chat"));
    if (!installed && options.backend == "local") {
      return MakeError(ErrorCode::kNotFound, "no chat model is installed").Next("plimsoll model add NAME PATH --default chat, or name one with --model");
    }
    if (!installed) {
      notices.push_back("no chat model is installed: the answer is made of sentences of your documents (plimsoll model add NAME PATH --default chat)");
      return std::optional<ChatModel>();
    }
    model = installed->path;
  }
  PLIMSOLL_ASSIGN(const loading::Wishes wishes, WishesOf(options, loading::kParentWithStoreBytes));
  ChatModel chat;
  const auto load = [&]() -> Result<void> {
    PLIMSOLL_ASSIGN(chat.worker, session.StartWorker(model, loading::kParentWithStoreBytes));
    PLIMSOLL_ASSIGN(chat.load, session.Load(*chat.worker, wishes));
    chat.generator = std::make_unique<backends::WorkerGenerator>(*chat.worker, chat.load.rung.context_tokens);
    return {};
  };
  const Result<void> loaded = load();
  if (loaded) return std::optional<ChatModel>(std::move(chat));
  // What was asked for by name is never swapped; a worker that died is answered for by the documents themselves.
  const bool named = !options.model.model.empty() || options.backend == "local" || options.model.precision != "auto" || options.model.context_tokens > 0;
  const ErrorCode code = loaded.error().code;
  const bool died = code == ErrorCode::kCrashed || code == ErrorCode::kOutOfMemory || code == ErrorCode::kTimeout;
  if (code == ErrorCode::kCancelled || (named && !died)) return loaded.error();
  notices.push_back("the answer is made of sentences of your documents, without a language model: " + Describe(loaded.error()));
  return std::optional<ChatModel>();
}

Json AnswerJson(const Session& session, const answer::Answer& answer, const Account& account, double total_s) {
  Json sentences = Json::array();
  for (const auto& sentence : answer.sentences) {
    sentences.push_back({{"text", sentence.text}, {"supported", sentence.supported}, {"citations", sentence.citations}});
  }
  Json citations = Json::array();
  for (const auto& citation : answer.citations) {
    citations.push_back({{"n", citation.n}, {"document", citation.document}, {"path", citation.path},
                         {"page", citation.page > 0 ? Json(citation.page) : Json()}, {"section", citation.section},
                         {"start_char", citation.start_char}, {"end_char", citation.end_char}, {"quote", citation.quote}});
  }
  return {{"answer", answer.text}, {"not_in_documents", answer.not_in_documents}, {"sentences", std::move(sentences)}, {"citations", std::move(citations)},
          {"timings", {{"retrieve_s", account.retrieve_s}, {"load_s", account.load_s}, {"first_token_s", account.first_token_s}, {"total_s", total_s}}},
          {"memory", MemoryJson(session.limit, account.planned_bytes, account.peak_bytes)},
          {"usage", {{"prompt_tokens", answer.prompt_tokens}, {"completion_tokens", answer.completion_tokens}}},
          {"backend", account.backend}, {"rung", account.rung}, {"notices", answer.notices},
          {"cost", {{"estimate", 0}, {"actual", 0}, {"currency", nullptr}}}};
}

// Titles and paths come from outside.
std::string OneLine(const std::string& text) {
  std::string line = Printable(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

std::string SourcesText(const Session& session, const answer::Answer& answer) {
  std::string text;
  for (const auto& citation : answer.citations) {
    const std::string page = citation.page > 0 ? fmt::format(", page {}", citation.page) : "";
    text += fmt::format("\n[{}] {}{}{}{}\n    {}, characters {} to {}\n    \"{}\"\n", citation.n, session.console.Bold(true), OneLine(citation.document), session.console.Bold(false),
                        page, OneLine(citation.path), citation.start_char, citation.end_char, Printable(citation.quote));
  }
  for (const auto& sentence : answer.sentences) {
    if (!sentence.supported) text += fmt::format("\nNot supported by your documents: {}\n", Printable(sentence.text));
  }
  return text;
}

Result<void> PrintAnswer(Session& session, const answer::Answer& answer, const Account& account, double total_s, bool streamed) {
  if (session.console.json()) return session.console.Out(Dump(AnswerJson(session, answer, account, total_s)) + "\n");
  std::string text = streamed ? "\n\nChecked against your documents:\n" : "";
  text += Printable(answer.text) + "\n" + SourcesText(session, answer);
  PLIMSOLL_TRY(session.console.Out(text));
  for (const std::string& notice : answer.notices) session.console.Notice("note: " + notice);
  session.console.Notice(fmt::format("\n{} in {:.1f} s (passages {:.1f}, load {:.1f}, first word {:.1f}); memory: peak {} of {} planned, limit {}",
      account.backend == "extract" ? "extractive answer" : "answered", total_s, account.retrieve_s, account.load_s, account.first_token_s,
      FormatBytes(account.peak_bytes), FormatBytes(account.planned_bytes), FormatBytes(session.limit.bytes)));
  return {};
}

}  // namespace

Result<void> RunAsk(Session& session) {
  const double start = platform::MonotonicSeconds();
  const Options& options = session.options;
  if (options.backend == "openai") {
    return MakeError(ErrorCode::kUnsupported, "--backend openai: remote endpoints are not supported yet").Next("use --backend local or extract");
  }
  PLIMSOLL_TRY(CheckNotBlank(options.question, "question"));
  memory::Budget budget(session.limit.bytes);
  std::optional<TemporaryCollection> temporary;
  std::unique_ptr<store::Store> store;
  if (options.in_paths.empty()) {
    PLIMSOLL_ASSIGN(store, session.OpenCollection(false, budget));
  } else {
    PLIMSOLL_ASSIGN(temporary, TemporaryCollection::Create());
    PLIMSOLL_ASSIGN(store, store::OpenSqliteStore(temporary->file(), "question", store::OpenMode::kReadWrite, budget));
  }
  Account account;
  PLIMSOLL_ASSIGN(const auto hits, FindPassages(session, *store, account));
  account.retrieve_s = platform::MonotonicSeconds() - start;

  std::vector<std::string> notices;
  std::optional<ChatModel> chat;
  if (options.backend != "extract") {
    PLIMSOLL_ASSIGN(chat, LoadChatModel(session, notices));
  }
  if (chat) {
    account.load_s = chat->load.load_s;
    account.backend = "local";
    account.rung = chat->load.rung.rung;
    notices.insert(notices.end(), chat->load.notes.begin(), chat->load.notes.end());
  }
  answer::AskOptions ask;
  ask.question = options.question;
  ask.max_answer_tokens = options.max_tokens;
  bool streamed = false;
  Result<void> printed;
  const auto sink = [&](std::string_view piece) {
    session.progress.Clear();
    if (account.first_token_s == 0) account.first_token_s = platform::MonotonicSeconds() - start;
    if (session.console.json() || !printed) return printed.has_value();
    streamed = true;
    printed = session.console.Out(Printable(piece));
    return printed.has_value();
  };
  PLIMSOLL_ASSIGN(answer::Answer answer, answer::Ask(ask, hits, chat ? chat->generator.get() : nullptr, nullptr, sink, session.progress.sink(), session.stop));
  session.progress.Clear();
  PLIMSOLL_TRY(printed);
  if (chat) account.Saw(*chat->worker, chat->load.rung.total_bytes);
  if (answer.extractive) account.backend = account.rung = "extract";
  account.peak_bytes = std::max(account.peak_bytes, platform::OwnResidentBytes());
  answer.notices.insert(answer.notices.begin(), notices.begin(), notices.end());
  return PrintAnswer(session, answer, account, platform::MonotonicSeconds() - start, streamed);
}

}  // namespace plimsoll::cli
