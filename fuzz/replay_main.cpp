// Runs a fuzz target without a fuzzing engine, so that any compiler can: the files of a corpus, then mutations of them.
// The same arguments give the same inputs.
//
//     <target> FILE…                        each file once: to see a finding again
//     <target> --corpus DIR [--dict FILE] [--mutations N] [--seed N]
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "require.hpp"

// The sanitizers end the process with a signal too.
extern "C" const char* __asan_default_options() {
    return "abort_on_error=1";
}
extern "C" const char* __ubsan_default_options() {
    return "abort_on_error=1:print_stacktrace=1";
}

namespace {

constexpr std::size_t kInputMax = 64 * 1024;

struct Options {
    std::vector<std::string> files;
    std::string corpus;
    std::string dictionary;
    std::size_t mutations = 0;
    std::size_t seed = 1;
};

[[noreturn]] void usage(const std::string& why) {
    std::fprintf(stderr, "%s\nusage: FILE... | --corpus DIR [--dict FILE] [--mutations N] [--seed N]\n", why.c_str());
    std::exit(2);
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    if (!in) usage("cannot read " + path.string());
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::size_t number(const std::string& text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) usage("not a number: " + text);
    return value;
}

Options parse_options(const std::vector<std::string>& arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& flag = arguments[i];
        if (!flag.starts_with("--")) {
            options.files.push_back(flag);
            continue;
        }
        if (++i == arguments.size()) usage(flag + " wants a value");
        if (flag == "--corpus") {
            options.corpus = arguments[i];
        } else if (flag == "--dict") {
            options.dictionary = arguments[i];
        } else if (flag == "--mutations") {
            options.mutations = number(arguments[i]);
        } else if (flag == "--seed") {
            options.seed = number(arguments[i]);
        } else {
            usage("no such flag: " + flag);
        }
    }
    return options;
}

/// The quoted words of a libFuzzer dictionary; `\xAB`, `\\` and `\"` are its escapes.
std::vector<std::string> read_dictionary(const std::string& path) {
    std::vector<std::string> words;
    std::ifstream in{path};
    if (!in) usage("cannot read " + path);
    for (std::string line; std::getline(in, line);) {
        const auto begin = line.find('"');
        const auto end = line.rfind('"');
        if (line.starts_with('#') || begin == std::string::npos || begin == end) continue;
        std::string word;
        for (std::size_t i = begin + 1; i < end; ++i) {
            if (line[i] != '\\') {
                word.push_back(line[i]);
            } else if (line[i + 1] == 'x') {
                word.push_back(static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16)));
                i += 3;
            } else {
                word.push_back(line[++i]);
            }
        }
        words.push_back(std::move(word));
    }
    return words;
}

/// Makes new inputs of old ones.
class Mutator {
 public:
    Mutator(const std::vector<std::string>& seeds, const std::vector<std::string>& words, std::size_t seed)
        : seeds_{seeds}, words_{words}, random_{seed} {}

    std::string next() {
        std::string input = pick(seeds_);
        for (std::size_t i = below(8) + 1; i > 0; --i) mutate(input);
        if (input.size() > kInputMax) input.resize(kInputMax);
        return input;
    }

 private:
    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_); }
    const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

    void mutate(std::string& input) {
        const std::size_t at = below(input.size() + 1);
        const std::size_t size = std::min(below(16) + 1, input.size() - at);
        switch (below(7)) {
            case 0:
                if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
                break;
            case 1:
                if (at < input.size()) input[at] = static_cast<char>(below(256));
                break;
            case 2:
                input.erase(at, size);
                break;
            case 3:
                input.insert(at, input.substr(at, size));
                break;
            case 4:
                input.insert(at, 1, static_cast<char>(below(256)));
                break;
            case 5:
                if (!words_.empty()) input.insert(at, pick(words_));
                break;
            default: {
                // The end of another seed.
                const std::string& other = pick(seeds_);
                input.resize(at);
                input += other.substr(below(other.size() + 1));
                break;
            }
        }
    }

    const std::vector<std::string>& seeds_;
    const std::vector<std::string>& words_;
    std::mt19937_64 random_;
};

void run(const std::string& input) {
    // A buffer of its own size, so that a sanitizer sees each byte past its end.
    const std::vector<std::uint8_t> bytes(input.begin(), input.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

// Of the input that is running, for the handler below.
const std::string* running = nullptr;
std::string kept;

/// Writes the input that ends the process, so that it can be looked at: in the working directory, by the name of the
/// corpus.
void keep_finding(int signal) {
    std::signal(signal, SIG_DFL);
    if (running != nullptr) {
        std::ofstream out{kept, std::ios::binary | std::ios::trunc};
        out.write(running->data(), static_cast<std::streamsize>(running->size()));
        std::fprintf(stderr, "the input is in %s\n", kept.c_str());
    }
    std::raise(signal);
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse_options({argv + 1, argv + argc});
    for (const auto& file : options.files) run(read_file(file));
    if (options.corpus.empty()) return 0;
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{options.corpus}) names.push_back(entry.path());
    std::sort(names.begin(), names.end());
    std::vector<std::string> seeds;
    for (const auto& name : names) seeds.push_back(read_file(name));
    if (seeds.empty()) usage("no files in " + options.corpus);
    kept = std::filesystem::path{options.corpus}.filename().string() + ".finding";
    std::signal(SIGABRT, keep_finding);
    for (const auto& seed : seeds) run(seed);
    run({});
    const auto words = options.dictionary.empty() ? std::vector<std::string>{} : read_dictionary(options.dictionary);
    Mutator mutator{seeds, words, options.seed};
    for (std::size_t i = 0; i < options.mutations; ++i) {
        const std::string input = mutator.next();
        running = &input;
        run(input);
        running = nullptr;
    }
    std::printf("%zu seeds and %zu mutations without a finding\n", seeds.size(), options.mutations);
    return 0;
}
