#include "cli/console.h"

#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "cli/json.h"
#include "platform/clock.h"
#include "platform/terminal.h"

namespace plimsoll::cli {

Console::Console(const GlobalOptions& options)
    : json_(options.json), quiet_(options.quiet),
      colour_(platform::StandardOutputIsTerminal() && !platform::Environment("NO_COLOR") && !options.json) {}

Result<void> Console::Out(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return {};
  return MakeError(ErrorCode::kIo, "writing to standard output failed")
      .Because("its reader has gone, or the disk is full")
      .Next("send the output somewhere with room");
}

void Console::Notice(std::string_view line) {
  if (!quiet_) std::fputs(fmt::format("{}\n", Printable(line)).c_str(), stderr);
}

void Console::Fail(const Error& error, bool in_output, bool json_lines) {
  if ((json_ || json_lines) && !in_output) (void)Out(Dump(ErrorJson(error)) + "\n");
  std::fputs(fmt::format("plimsoll: {}\n", Printable(Describe(error))).c_str(), stderr);
}

std::string_view Console::Bold(bool on) const { return !colour_ ? "" : on ? "\x1b[1m" : "\x1b[0m"; }
std::string_view Console::Dim(bool on) const { return !colour_ ? "" : on ? "\x1b[2m" : "\x1b[0m"; }

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c0 || c1) out += "\xef\xbf\xbd";
    if (c1) ++i;
    if (!c0 && !c1) out += text[i];
  }
  return out;
}

}  // namespace plimsoll::cli
