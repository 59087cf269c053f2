#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "home/home.h"
#include "platform/file.h"
#include "platform/memory_facts.h"
#include "platform/process.h"

namespace plimsoll::home {
namespace {

// A registration is the file run/reserved-PID holding the planned bytes in decimal. The memory itself is in that process
// and in its workers.
constexpr std::string_view kPrefix = "reserved-";

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Planned bytes that the process has not touched yet; 0 for one that is gone (its file is removed) or a damaged file.
uint64_t Untouched(const std::string& file, std::string_view process_text) {
  const auto process = ParseNumber<int64_t>(process_text);
  if (!process || !platform::ProcessAlive(*process)) {
    (void)platform::Remove(file);
    return 0;
  }
  const auto text = platform::ReadWholeFile(file, 64);
  const auto planned = text ? ParseNumber<uint64_t>(*text) : std::nullopt;
  if (!planned) return 0;
  const uint64_t resident = platform::ResidentBytesWithChildren(*process);
  return *planned > resident ? *planned - resident : 0;
}

}  // namespace

Result<Registration> Registration::Register(const Home& home, uint64_t planned_bytes) {
  Registration registration;
  registration.file_ = fmt::format("{}/{}{}", home.RunFolder(), kPrefix, platform::OwnProcessId());
  PLIMSOLL_TRY(platform::WriteFileAtomically(registration.file_, std::to_string(planned_bytes)));
  return registration;
}

Registration::Registration(Registration&& other) noexcept : file_(std::exchange(other.file_, {})) {}

Registration& Registration::operator=(Registration&& other) noexcept {
  if (this == &other) return *this;
  // A second registration of this process has the same file: it was replaced, and stays.
  if (!file_.empty() && file_ != other.file_) (void)platform::Remove(file_);
  file_ = std::exchange(other.file_, {});
  return *this;
}

Registration::~Registration() {
  if (!file_.empty()) (void)platform::Remove(file_);
}

Result<uint64_t> ReservedByOthers(const Home& home) {
  PLIMSOLL_ASSIGN(const auto entries, platform::ListFolder(home.RunFolder()));
  const std::string own = std::to_string(platform::OwnProcessId());
  uint64_t sum = 0;
  for (const auto& entry : entries) {
    const std::string_view name = entry.name;
    if (!name.starts_with(kPrefix) || name.ends_with(".partial")) continue;
    const std::string_view process = name.substr(kPrefix.size());
    if (process != own) sum += Untouched(home.RunFolder() + "/" + entry.name, process);
  }
  return sum;
}

}  // namespace plimsoll::home
