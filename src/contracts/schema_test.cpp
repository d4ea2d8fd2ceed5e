// The schemas in contracts/ and the decoders of this room say the same: checked on the golden files and on thousands of
// random values, with valijson as the judge of the schemas.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "contracts/contract_cases.hpp"
#include "contracts/sample_values.hpp"
#include "contracts/socket_events.hpp"

namespace carillon::contracts {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr int kSamplesPerSchema = 2'500;
constexpr std::uint64_t kSeed = 20261123;

std::string read_file(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>{file}, {}};
}

const fs::path& contracts_root() {
    static const fs::path kRoot = fs::path{CARILLON_SOURCE_DIR} / "contracts";
    return kRoot;
}

// What valijson needs to judge as JSON Schema says. Its adapter takes strings as C strings, so U+0000 is moved to
// U+0001 (and that to U+0002), in schemas and values alike; and it takes 1.0 for no integer, which JSON Schema does.
json::string for_valijson(const json::string& text) {
    std::string moved;
    for (char c : text) moved.push_back(c == '\0' ? '\x01' : c == '\x01' ? '\x02' : c);
    return json::string{moved};
}

void adapt_value(json::value& value) {
    constexpr double kExact = 9007199254740992.0;
    if (value.is_string()) {
        value = for_valijson(value.get_string());
    } else if (value.is_double() && std::floor(value.get_double()) == value.get_double() &&
               std::abs(value.get_double()) <= kExact) {
        value = static_cast<std::int64_t>(value.get_double());
    } else if (value.is_uint64()) {
        value = static_cast<double>(value.get_uint64());
    } else if (value.is_array()) {
        for (auto& item : value.get_array()) adapt_value(item);
    } else if (value.is_object()) {
        for (auto& member : value.get_object()) adapt_value(member.value());
    }
}

void adapt_schema(json::value& schema) {
    if (schema.is_array()) {
        for (auto& item : schema.get_array()) adapt_schema(item);
    } else if (schema.is_object()) {
        schema.get_object().erase("format");
        for (auto& member : schema.get_object()) {
            if (member.key() == "pattern" && member.value() == json::value("\\u0000")) member.value() = "\\u0001";
            adapt_schema(member.value());
        }
    }
}

class JudgedSchema {
 public:
    explicit JudgedSchema(const std::string& name)
        : document_(json::parse(read_file(contracts_root() / (name + ".json")))) {
        auto adapted = document_;
        adapt_schema(adapted);
        valijson::SchemaParser parser{valijson::SchemaParser::kDraft7};
        parser.populateSchema(valijson::adapters::BoostJsonAdapter{adapted}, schema_);
    }

    const json::value& document() const { return document_; }

    bool accepts(const std::string& text) {
        auto value = json::parse(text);
        adapt_value(value);
        return validator_.validate(schema_, valijson::adapters::BoostJsonAdapter{value}, nullptr);
    }

 private:
    json::value document_;
    valijson::Schema schema_;
    valijson::Validator validator_;
};

class EverySchema : public testing::TestWithParam<ContractCase> {};

TEST_P(EverySchema, AgreesWithTheDecoderOnRandomValues) {
    const auto& contract = GetParam();
    if (!contract.reencode) return;  // only encoded here; its output is judged below
    JudgedSchema schema{contract.schema};
    const std::uint64_t seed = kSeed + std::hash<std::string>{}(contract.schema);
    SampleValues samples{schema.document(), seed};
    int accepted = 0;
    for (int i = 0; i < kSamplesPerSchema; ++i) {
        const auto text = json::serialize(i % 2 == 0 ? samples.valid() : samples.nearly_valid());
        const bool expected = schema.accepts(text);
        ASSERT_TRUE(expected || i % 2 == 1) << "the generator went wrong, seed " << seed << ": " << text;
        accepted += expected ? 1 : 0;
        const auto again = contract.reencode(text);
        ASSERT_EQ(again.has_value(), expected) << "seed " << seed << ", sample " << i << ": " << text;
        if (!again) continue;
        ASSERT_TRUE(schema.accepts(*again)) << "encoded: " << *again << "\nfrom: " << text;
        ASSERT_EQ(contract.reencode(*again), again) << "from: " << text;
    }
    // Neither verdict is rare, so that an agreement means something.
    EXPECT_GE(accepted, kSamplesPerSchema / 4);
    EXPECT_GE(kSamplesPerSchema - accepted, kSamplesPerSchema / 10);
}

TEST_P(EverySchema, AgreesWithItsGoldenFiles) {
    const auto& contract = GetParam();
    JudgedSchema schema{contract.schema};
    std::map<bool, int> seen;
    for (const auto& entry : fs::directory_iterator{contracts_root() / "golden" / contract.schema}) {
        const auto name = entry.path().filename().string();
        const bool expected = name.starts_with("valid-");
        ASSERT_TRUE(expected || name.starts_with("invalid-")) << name;
        ++seen[expected];
        const auto text = read_file(entry.path());
        EXPECT_EQ(schema.accepts(text), expected) << "schema: " << entry.path();
        if (!contract.reencode) continue;
        const auto again = contract.reencode(text);
        EXPECT_EQ(again.has_value(), expected) << "decoder: " << entry.path();
        if (again) {
            EXPECT_EQ(contract.reencode(*again), again) << entry.path();
        }
    }
    EXPECT_GE(seen[true], 1);
    EXPECT_GE(seen[false], 3);
}

std::string case_name(const testing::TestParamInfo<ContractCase>& info) {
    std::string name;
    bool upper = true;
    for (char c : info.param.schema) {
        if (c == '-' || c == '/') {
            upper = true;
        } else {
            name.push_back(upper ? static_cast<char>(c - 'a' + 'A') : c);
            upper = false;
        }
    }
    return name;
}

INSTANTIATE_TEST_SUITE_P(Contracts, EverySchema, testing::ValuesIn(contract_cases()), case_name);

// Random values seldom hit the corners of these two patterns, so the corners are walked.
TEST(Schemas, AgreeWithTheDecoderOnTheCalendar) {
    JudgedSchema schema{"socket/auth-expiring"};
    const auto check = [&](const std::string& time) {
        const auto text = R"({"expiresAt":")" + time + R"("})";
        EXPECT_EQ(decode_auth_expiring(text).has_value(), schema.accepts(text)) << text;
    };
    for (int year = 0; year < 10'000; ++year) check(fmt::format("{:04}-02-29T08:17:13Z", year));
    for (const int year : {0, 1900, 2024, 9999}) {
        for (int month = 0; month <= 13; ++month) {
            for (int day = 0; day <= 32; ++day) check(fmt::format("{:04}-{:02}-{:02}T08:17:13Z", year, month, day));
        }
    }
    for (std::size_t decimals = 0; decimals <= 12; ++decimals) {
        check("2026-11-23T08:17:13." + std::string(decimals, '7') + "Z");
    }
    for (const char* year : {"0000", "0001", "9998", "9999"}) {
        for (const char* offset : {"Z", "z", "+00:00", "-00:00", "+23:59", "-24:00", "+01:60", "+0100", "", "+1:00"}) {
            check(std::string{year} + "-06-15T08:17:13" + offset);
            check(std::string{year} + "-06-15t08:17:13.5" + offset);
        }
    }
    for (const char* clock : {"23:59:59", "24:00:00", "23:60:00", "23:59:60", "3:59:59", "23:59", "23-59-59"}) {
        check(std::string{"2026-11-23T"} + clock + "Z");
    }
}

TEST(Schemas, AgreeWithTheDecoderOnTheGreatestVersions) {
    JudgedSchema schema{"socket/unread-count-updated"};
    const std::string greatest = "9223372036854775807";
    for (std::size_t at = 0; at < greatest.size(); ++at) {
        for (char digit = '0'; digit <= '9'; ++digit) {
            auto version = greatest;
            version[at] = digit;
            for (const auto& candidate : {version, version.substr(0, at + 1), version + "0"}) {
                const auto text = R"({"count":1,"version":")" + candidate + R"("})";
                EXPECT_EQ(decode_unread_count_updated(text).has_value(), schema.accepts(text)) << text;
            }
        }
    }
}

// Each schema stands alone, so its `$defs` are copies; they must not drift apart.
TEST(Schemas, DefineTheSameNameAlikeEverywhere) {
    std::map<std::string, std::pair<json::value, std::string>> known;
    for (const auto& contract : contract_cases()) {
        const JudgedSchema schema{contract.schema};
        const auto* defs = schema.document().as_object().if_contains("$defs");
        if (defs == nullptr) continue;
        for (const auto& [name, def] : defs->as_object()) {
            const auto [it, first] = known.try_emplace(std::string{name}, def, contract.schema);
            EXPECT_EQ(it->second.first, def)
                << name << " differs in " << contract.schema << " and " << it->second.second;
        }
    }
    EXPECT_GT(known.size(), 10U);
}

TEST(Schemas, AcceptWhatIsOnlyEncodedHere) {
    JudgedSchema error{"socket/error"};
    JudgedSchema ack_error{"socket/ack-error"};
    for (const auto code :
         {AckErrorCode::invalid_payload, AckErrorCode::unauthenticated, AckErrorCode::forbidden,
          AckErrorCode::not_found, AckErrorCode::rate_limited, AckErrorCode::unavailable, AckErrorCode::internal}) {
        EXPECT_TRUE(error.accepts(encode_error_event({code, "why\n", std::nullopt})));
        EXPECT_TRUE(error.accepts(encode_error_event({code, "", 250})));
        EXPECT_TRUE(ack_error.accepts(encode_ack_error({code, "", 250})));
    }
    JudgedSchema connect_error{"socket/connect-error"};
    for (const auto code :
         {ConnectErrorCode::unauthorized, ConnectErrorCode::token_expired, ConnectErrorCode::token_invalid,
          ConnectErrorCode::forbidden, ConnectErrorCode::too_many_connections}) {
        EXPECT_TRUE(connect_error.accepts(encode_connect_error(code, "no \"entry\"")));
    }
}

}  // namespace
}  // namespace carillon::contracts
