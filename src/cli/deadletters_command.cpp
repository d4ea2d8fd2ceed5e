#include <CLI/CLI.hpp>
#include <iostream>

#include "app/data_dir.hpp"
#include "base/clock.hpp"
#include "bus/nats/dead_letter_box.hpp"
#include "cli/commands.hpp"
#include "cli/nats_options.hpp"

namespace carillon::cli {
namespace {

using bus::DeadLetterBox;
using bus::KeptLetter;

constexpr std::size_t kAll = 1'000'000;

struct DeadlettersOptions {
    bus::NatsOptions nats;
    std::string action;
    std::vector<std::uint64_t> numbers;
    std::size_t limit = 100;
    bool all = false;
};

int fail(const std::string& message) {
    std::cerr << "carillon deadletters: " << message << '\n';
    return 1;
}

/// Text of others', for a terminal.
std::string printable(const std::string& text) {
    std::string out;
    for (const char c : text) out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c);
    return out;
}

int list(DeadLetterBox& box, const DeadlettersOptions& options) {
    const auto letters = box.list(options.limit);
    if (!letters) return fail(letters.error());
    for (const auto& letter : *letters) {
        std::cout << letter.number << '\t' << base::to_iso8601(letter.kept_at) << '\t' << printable(letter.subject)
                  << '\t' << (letter.message_id.empty() ? "-" : printable(letter.message_id)) << '\t'
                  << printable(letter.reason) << '\n';
    }
    if (letters->empty()) std::cout << "There are no dead letters.\n";
    return 0;
}

int show(DeadLetterBox& box, const DeadlettersOptions& options) {
    for (const auto number : options.numbers) {
        const auto found = box.find(number);
        if (!found) return fail(found.error());
        if (!*found) return fail("there is no dead letter " + std::to_string(number));
        const KeptLetter& letter = **found;
        std::cout << "number      " << letter.number << "\nkept at     " << base::to_iso8601(letter.kept_at)
                  << "\nsubject     " << printable(letter.subject) << "\nmessage id  " << printable(letter.message_id)
                  << "\nfrom        " << printable(letter.stream) << ", sequence " << letter.sequence << ", deliveries "
                  << letter.deliveries << "\ntraceparent " << printable(letter.traceparent) << "\nreason      "
                  << printable(letter.reason) << "\n\n"
                  << letter.payload << '\n';
    }
    return 0;
}

int replay(DeadLetterBox& box, const DeadlettersOptions& options) {
    std::vector<KeptLetter> letters;
    if (options.all) {
        auto listed = box.list(kAll);
        if (!listed) return fail(listed.error());
        letters = std::move(*listed);
    }
    for (const auto number : options.numbers) {
        auto found = box.find(number);
        if (!found) return fail(found.error());
        if (!*found) return fail("there is no dead letter " + std::to_string(number));
        letters.push_back(std::move(**found));
    }
    for (const auto& letter : letters) {
        const auto replayed = box.replay(letter);
        if (!replayed) return fail(replayed.error());
        std::cout << "replayed " << letter.number << " on " << printable(letter.subject) << '\n';
    }
    if (letters.empty()) std::cout << "There are no dead letters.\n";
    return 0;
}

int run(const DeadlettersOptions& options) {
    const bool wants_numbers = options.action == "show" || (options.action == "replay" && !options.all);
    if (wants_numbers && options.numbers.empty()) {
        throw app::StartupError(options.action + ": wants the numbers that `list` shows" +
                                (options.action == "replay" ? ", or --all" : ""));
    }
    const auto box = DeadLetterBox::open(options.nats);
    if (!box) return fail(box.error());
    if (options.action == "list") return list(**box, options);
    return options.action == "show" ? show(**box, options) : replay(**box, options);
}

}  // namespace

Command deadletters_command() {
    auto options = std::make_unique<CLI::App>(
        "The events that were given up (stream DEAD_LETTER): list them, show some whole, publish some again");
    auto values = std::make_shared<DeadlettersOptions>();
    add_config_option(*options);
    options->add_option("ACTION", values->action, "list, show or replay")
        ->check(CLI::IsMember({"list", "show", "replay"}))
        ->required();
    options->add_option("NUMBER", values->numbers, "Those to show or to replay, as `list` numbers them");
    options->add_option("--limit", values->limit, "How many `list` shows, the newest")
        ->check(CLI::Range{1, 1'000'000})
        ->capture_default_str();
    options->add_flag("--all", values->all, "Replay all");
    add_nats_connection(*options, values->nats);
    return {std::move(options), [values] { return run(*values); }};
}

}  // namespace carillon::cli
