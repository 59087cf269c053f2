#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace plimsoll::cli {
namespace {

constexpr const char* kVersion = "plimsoll 0.1.0";

constexpr const char* kFooter = R"(
Examples:
  plimsoll model add smollm2 models/smollm2-135m-instruct.gguf --default chat
  plimsoll model add minilm models/all-minilm-l6-v2 --default embed
  plimsoll ingest ~/Documents/manuals
  plimsoll search "how long is the warranty"
  plimsoll ask "How long is the warranty?" --memory 2GiB
  plimsoll plan ~/models/my-7b-folder --memory 6GiB

`plimsoll COMMAND --help` has the options and examples of one command.
Exit codes: 0 done, 2 usage, 3 not found, 4 corrupt or invalid input, 5 unsupported, 6 over budget, 7 I/O or disk
full, 8 busy, 9 remote endpoint, 70 our own fault, 130 stopped by the person.)";

// Builds the grammar piece by piece; every command gets the global options too, before or after its name.
class Grammar {
 public:
  explicit Grammar(Options& options) : options_(options), app_("Answers questions about your own documents, on your own computer, inside a memory limit.", "plimsoll") {
    app_.set_version_flag("--version", kVersion);
    app_.require_subcommand(1);
    app_.footer(kFooter);
    app_.get_formatter()->column_width(34);
    AddGlobal(app_);
    AddDocumentCommands();
    AddModelCommands();
    AddToolCommands();
    AddListCommands();
  }

  CLI::App& app() { return app_; }

  std::string Command() const {
    std::string name;
    for (const CLI::App* at = &app_; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      name += (name.empty() ? "" : " ") + at->get_name();
    }
    return name;
  }

 private:
  void AddGlobal(CLI::App& app) {
    GlobalOptions& global = options_.global;
    app.add_flag("--json", global.json, "One JSON object on standard output, all else on standard error")->group("Every command");
    app.add_option("--progress", global.progress, "auto, plain, json or none")
        ->check(CLI::IsMember({"auto", "plain", "json", "none"}))->group("Every command");
    app.add_option("--memory", global.memory, "Limit for everything that runs, e.g. 4GiB, 1.5GiB, 500MB")->group("Every command");
    app.add_option("--threads", global.threads, "Threads to compute with (default: all cores)")
        ->check(CLI::Range(1, 256))->group("Every command");
    app.add_option("--home", global.home, "Folder for collections and settings (default: PLIMSOLL_HOME)")->group("Every command");
    app.add_flag("--quiet", global.quiet, "No notices, no progress")->group("Every command");
  }

  CLI::App* Add(CLI::App& parent, const char* name, const char* what, const char* examples) {
    CLI::App* command = parent.add_subcommand(name, what);
    AddGlobal(*command);
    command->footer(std::string("\nExamples:\n") + examples);
    command->get_formatter()->column_width(34);
    return command;
  }

  void AddModel(CLI::App* command) {
    command->add_option("MODEL", options_.model.model, "Hugging Face folder, .gguf file, or an installed name")->required();
  }

  void AddLoading(CLI::App* command) {
    ModelOptions& model = options_.model;
    command->add_option("--precision", model.precision, "auto, stored (alias f16), q8 or q4")
        ->check(CLI::IsMember({"auto", "stored", "f16", "q8", "q4", "q4s"}))->group("Loading");
    command->add_option("--stream", model.stream, "auto or off; on (part of the layers read from disk for each pass): not yet")
        ->check(CLI::IsMember({"auto", "on", "off"}))->group("Loading");
    command->add_option("--kv", model.kv, "auto or f16: type of the KV cache; q8: not yet")
        ->check(CLI::IsMember({"auto", "f16", "q8"}))->group("Loading");
    command->add_option("--context", model.context_tokens, "Tokens of context (default: the model's or 4096, the lesser)")
        ->check(CLI::Range(16u, 1u << 24))->group("Loading");
    command->add_flag("--no-cache", model.no_cache, "Do not keep the converted model on disk (none is kept yet)")->group("Loading");
  }

  // In the order in which they are applied.
  void AddSampling(CLI::App* command) {
    engine::Sampling& sampling = options_.sampling;
    command->add_option("--repeat-penalty", sampling.repeat_penalty, "Above 1: makes the ids of the last tokens less likely")->default_str("1")->group("Sampling");
    command->add_option("--repeat-window", sampling.repeat_window, "How many tokens back it looks, prompt included; 0: all")->default_str("64")->group("Sampling");
    command->add_option("--temperature", sampling.temperature, "0: always the likeliest token, whatever follows here")->default_str("0")->group("Sampling");
    command->add_option("--top-k", sampling.top_k, "Draw from the k likeliest tokens; 0: from all")->default_str("0")->group("Sampling");
    command->add_option("--top-p", sampling.top_p, "Draw from the fewest tokens that hold this share of the probability")->default_str("1")->group("Sampling");
    command->add_option("--min-p", sampling.min_p, "Draw from tokens at least this likely, the likeliest being 1")->default_str("0")->group("Sampling");
    command->add_option("--seed", sampling.seed, "The same seed draws the same tokens")->default_str("0")->group("Sampling");
  }

  void AddCollection(CLI::App* command) {
    command->add_option("--collection", options_.collection, "Which collection of documents (default: default)");
  }

  void AddDocumentCommands() {
    CLI::App* ingest = Add(app_, "ingest", "Read documents (text, Markdown, HTML, PDF) into a collection",
                           "  plimsoll ingest ~/Documents/manuals\n  plimsoll ingest notes.md report.pdf --collection work\n"
                           "  plimsoll ingest docs --embedder none");
    ingest->add_option("PATH", options_.paths, "Files and folders")->required();
    ingest->add_option("--embedder", options_.embedder, "Model for searching by meaning, or none (fixed per collection)");
    AddCollection(ingest);

    CLI::App* search = Add(app_, "search", "Find passages", "  plimsoll search \"how to reset the pump\"\n"
                           "  plimsoll search 'PRAGMA synchronous' --mode keyword --top 5 --json");
    search->add_option("QUERY", options_.query, "What to look for")->required();
    search->add_option("--top", options_.top, "How many passages at most")->check(CLI::Range(1u, 1000u))->default_str("10");
    search->add_option("--mode", options_.mode, "hybrid, keyword or vector")->check(CLI::IsMember({"hybrid", "keyword", "vector"}));
    AddCollection(search);

    CLI::App* ask = Add(app_, "ask", "Answer a question from the documents, with citations",
                        "  plimsoll ask \"When was the pump last serviced?\"\n"
                        "  plimsoll ask \"What does clause 7 say?\" --in contract.pdf --memory 1GiB\n"
                        "  plimsoll ask \"Who signed it?\" --backend extract --json");
    ask->add_option("QUESTION", options_.question, "The question")->required();
    ask->add_option("--in", options_.in_paths, "Read these files for this question only (may be repeated)")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    ask->add_option("--model", options_.model.model, "Chat model (default: the installed one)");
    ask->add_option("--backend", options_.backend, "auto, local, extract (no language model), or openai (not yet)")
        ->check(CLI::IsMember({"auto", "local", "openai", "extract"}));
    ask->add_option("--max-tokens", options_.max_tokens, "Longest answer, in tokens")->check(CLI::Range(1u, 1u << 20))->default_str("256");
    AddCollection(ask);
    AddLoading(ask);
  }

  void AddModelCommands() {
    CLI::App* plan = Add(app_, "plan", "How a model would be held within the limit; reads no weights",
                         "  plimsoll plan ~/models/my-7b --memory 6GiB\n  plimsoll plan small.gguf --context 2048 --json");
    AddModel(plan);
    AddLoading(plan);

    CLI::App* generate = Add(app_, "generate", "Continue a prompt with a model",
                             "  plimsoll generate smollm2 --prompt 'The capital of France is' --max-tokens 20\n"
                             "  plimsoll generate smollm2 --chat --prompt 'Write a haiku.' --temperature 0.7 --top-p 0.9 --seed 1\n"
                             "  plimsoll generate smollm2 --prompt 'Q: What is a pump? A:' --stop 'Q:' --repeat-penalty 1.1");
    AddModel(generate);
    CLI::Option* prompt = generate->add_option("--prompt", options_.prompt, "The prompt");
    generate->add_option("--prompt-file", options_.prompt_file, "A file that holds the prompt")->excludes(prompt);
    generate->add_flag("--chat", options_.chat, "Put the prompt through the model's chat template, as the person's turn");
    generate->add_option("--max-tokens", options_.max_tokens, "At most this many new tokens")->check(CLI::Range(1u, 1u << 20))->default_str("256");
    generate->add_option("--stop", options_.stop, "End before this text (may be repeated)")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    AddSampling(generate);
    generate->add_flag("--ignore-eos", options_.ignore_eos, "Go on after an end-of-text token");
    AddLoading(generate);

    CLI::App* bench = Add(app_, "bench", "Measure load time, speed and memory of a model",
                          "  plimsoll bench smollm2\n  plimsoll bench ~/models/my-7b --precision q4 --memory 5GiB --json");
    AddModel(bench);
    bench->add_option("--prompt-tokens", options_.prompt_tokens, "Length of the prompt")->check(CLI::Range(1u, 1u << 20))->default_str("512");
    bench->add_option("--decode-tokens", options_.decode_tokens, "Tokens decoded after it")->check(CLI::Range(1u, 1u << 20))->default_str("64");
    AddLoading(bench);

    CLI::App* perplexity = Add(app_, "perplexity", "How well a model foretells a text; figures compare with llama.cpp's llama-perplexity",
                               "  plimsoll perplexity smollm2 --text book.txt\n  plimsoll perplexity ~/models/my-7b --precision q4 --text book.txt --chunks 20 --json");
    AddModel(perplexity);
    perplexity->add_option("--text", options_.text_file, "A plain text of at least two chunks, 4 MiB at most")->required();
    perplexity->add_option("--chunks", options_.chunks, "Score at most so many chunks of --context tokens (512, by which figures compare; default: the whole text)")->check(CLI::Range(1u, 1u << 24));
    AddLoading(perplexity);
  }

  void AddToolCommands() {
    CLI::App* convert = Add(app_, "convert", "Write a model as one GGUF file of fewer bits, which llama.cpp opens too",
                            "  plimsoll convert ~/models/my-7b --precision q4 --out my-7b-q4.gguf\n"
                            "  plimsoll convert smollm2 --precision q4 --out smollm2-q4.gguf --memory 200MiB --json");
    AddModel(convert);
    convert->add_option("--precision", options_.model.precision, "q8 or q4")->required()->check(CLI::IsMember({"q8", "q4"}));
    convert->add_option("--out", options_.out, "The file to write")->required();
    convert->add_flag("--force", options_.force, "Replace the file if it is there");

    CLI::App* embed = Add(app_, "embed", "Embeddings of texts, one JSON line each", "  plimsoll embed minilm --jsonl texts.jsonl");
    AddModel(embed);
    embed->add_option("--jsonl", options_.jsonl, "File with one {\"text\": ...} or {\"ids\": [...]} per line")->required();
    embed->add_option("--pooling", options_.pooling, "mean, cls or none (default: as the model's folder says)")->check(CLI::IsMember({"mean", "cls", "none"}));
    embed->add_option("--prompt", options_.embed_prompt, "Which of the model's prompts goes before each text (default: as the model's folder says)");
    AddLoading(embed);

    CLI::App* tokenize = Add(app_, "tokenize", "Token ids of texts, one JSON line each", "  plimsoll tokenize smollm2 --jsonl texts.jsonl --no-special");
    AddModel(tokenize);
    tokenize->add_option("--jsonl", options_.jsonl, "File with one {\"text\": ...} per line")->required();
    tokenize->add_flag("--no-special", options_.no_special, "Without the tokens that the tokenizer adds by itself");

    CLI::App* logits = Add(app_, "logits", "Scores of the next token after given ids", "  plimsoll logits smollm2 --ids '504 3575' --top 5");
    AddModel(logits);
    logits->add_option("--ids", options_.ids, "Token ids, separated by spaces")->required();
    logits->add_option("--top", options_.top, "How many of the largest logits")->check(CLI::Range(1u, 1u << 24))->default_str("20");
    AddLoading(logits);

    CLI::App* chat_template = Add(app_, "template", "The model's chat template applied to messages",
                                  "  plimsoll template smollm2 --messages messages.json");
    AddModel(chat_template);
    chat_template->add_option("--messages", options_.messages, "File with [{\"role\": ..., \"content\": ...}, ...]")->required();
    chat_template->add_flag("--no-generation-prompt", options_.no_generation_prompt, "Do not open the assistant's turn");
  }

  void AddListCommands() {
    CLI::App* model = Group("model", "Installed models");
    Add(*model, "list", "Which models are installed", "  plimsoll model list");
    CLI::App* add = Add(*model, "add", "Give a model a name", "  plimsoll model add minilm models/all-minilm-l6-v2 --default embed");
    add->add_option("NAME", options_.name, "Its name from now on")->required();
    add->add_option("PATH", options_.path, "Hugging Face folder or .gguf file; it stays where it is")->required();
    add->add_option("--default", options_.default_role, "Use it for chat, or to embed, where no model is named")->check(CLI::IsMember({"chat", "embed"}));
    AddNamed(Add(*model, "remove", "Forget a name; the model's files stay", "  plimsoll model remove minilm"));
    AddNamed(Add(*model, "check", "Read and check a model's files", "  plimsoll model check smollm2"));

    CLI::App* documents = Group("documents", "Documents of a collection");
    AddCollection(Add(*documents, "list", "Every document, and what became of it", "  plimsoll documents list --collection work"));
    CLI::App* remove = Add(*documents, "remove", "Take a document out of the collection; the file stays", "  plimsoll documents remove notes.md");
    remove->add_option("PATH", options_.name, "As `documents list` shows it")->required();
    AddCollection(remove);

    CLI::App* collections = Group("collections", "Collections of documents");
    Add(*collections, "list", "Which collections there are", "  plimsoll collections list");
    AddNamed(Add(*collections, "remove", "Delete a collection's index; the documents stay", "  plimsoll collections remove work"));

    CLI::App* doctor = Add(app_, "doctor", "How the last model process that died ended", "  plimsoll doctor\n  plimsoll doctor --forget");
    doctor->add_flag("--forget", options_.forget, "Try plans again that ended the model process twice");
    Add(app_, "status", "Memory, collections, models and running commands", "  plimsoll status");
  }

  CLI::App* Group(const char* name, const char* what) {
    CLI::App* group = app_.add_subcommand(name, what);
    group->require_subcommand(1);
    return group;
  }

  void AddNamed(CLI::App* command) { command->add_option("NAME", options_.name, "Its name")->required(); }

  Options& options_;
  CLI::App app_;
};

}  // namespace

ParsedArguments ParseArguments(int argc, char** argv, Options& options) {
  Grammar grammar(options);
  try {
    grammar.app().parse(argc, argv);
    return {grammar.Command(), "", 0};
  } catch (const CLI::CallForHelp&) {
    const CLI::App* at = &grammar.app();
    while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
    return {"", at->help(), 0};
  } catch (const CLI::CallForVersion&) {
    return {"", std::string(kVersion) + "\n", 0};
  } catch (const CLI::ParseError& error) {
    const std::string first = argc > 1 ? argv[1] : "";
    const auto commands = grammar.app().get_subcommands([&](const CLI::App* command) { return command->get_name() == first; });
    if (!first.empty() && first[0] != '-' && commands.empty()) {
      return {"", fmt::format("there is no command '{}'", first), 2};
    }
    return {"", error.what(), 2};
  }
}

}  // namespace plimsoll::cli
