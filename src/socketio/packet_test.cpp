#include "socketio/packet.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "socketio/errc.hpp"

namespace carillon::socketio {
namespace {

/// An event with texts of its own.
struct Event {
    std::string name;
    std::vector<std::string> arguments;
};

base::Result<Event> decode_event(const Packet& packet) {
    ArrayDecoder decoder;
    const auto event = decoder.event(packet);
    if (!event) return event.error();
    return Event{std::string{event->name}, {event->arguments_json.begin(), event->arguments_json.end()}};
}

struct Good {
    std::string_view text;
    PacketType type;
    std::size_t attachments;
    std::string_view nsp;
    std::string_view ack_id;
    std::string_view payload;
};

TEST(Packet, DecodesEachKind) {
    const Good table[] = {
        {"0", PacketType::connect, 0, "/", "", ""},
        {"0{\"token\":\"x\"}", PacketType::connect, 0, "/", "", "{\"token\":\"x\"}"},
        {"0/ws", PacketType::connect, 0, "/ws", "", ""},
        {"0/ws,", PacketType::connect, 0, "/ws", "", ""},
        {"0/,{}", PacketType::connect, 0, "/", "", "{}"},
        {"0/ws?a=1,", PacketType::connect, 0, "/ws?a=1", "", ""},
        {"0//,", PacketType::connect, 0, "//", "", ""},
        {"1", PacketType::disconnect, 0, "/", "", ""},
        {"1/ws,", PacketType::disconnect, 0, "/ws", "", ""},
        {"1/ws", PacketType::disconnect, 0, "/ws", "", ""},
        {"2[\"a\"]", PacketType::event, 0, "/", "", "[\"a\"]"},
        {"27[\"a\"]", PacketType::event, 0, "/", "7", "[\"a\"]"},
        {"2/ws,12[\"a\"]", PacketType::event, 0, "/ws", "12", "[\"a\"]"},
        {"29007199254740991[\"a\"]", PacketType::event, 0, "/", "9007199254740991", "[\"a\"]"},
        {"2 [\"a\"]", PacketType::event, 0, "/", "", " [\"a\"]"},
        {"37[1]", PacketType::ack, 0, "/", "7", "[1]"},
        {"51-[\"a\",1]", PacketType::binary_event, 1, "/", "", "[\"a\",1]"},
        {"510-/ws,3[\"a\"]", PacketType::binary_event, 10, "/ws", "3", "[\"a\"]"},
        {"61-/ws,3[1]", PacketType::binary_ack, 1, "/ws", "3", "[1]"},
    };
    for (const auto& expected : table) {
        const auto packet = decode_packet(expected.text);
        ASSERT_TRUE(packet) << expected.text;
        EXPECT_EQ(packet->type, expected.type) << expected.text;
        EXPECT_EQ(packet->attachments, expected.attachments) << expected.text;
        EXPECT_EQ(packet->nsp, expected.nsp) << expected.text;
        EXPECT_EQ(packet->ack_id, expected.ack_id) << expected.text;
        EXPECT_EQ(packet->payload, expected.payload) << expected.text;
    }
}

TEST(Packet, RefusesWhatTheProtocolDoesNotAllow) {
    const std::string long_name = "0/" + std::string(300, 'x') + ",";
    const std::string many_digits = "2" + std::string(100'000, '1') + "[\"a\"]";
    const std::string_view table[] = {
        "",
        "7",
        "a",
        "9[\"a\"]",
        " 0",
        "0[]",
        "0\"x\"",
        "0null",
        "0ws,{}",
        "0{",
        "0{}x",
        "1{}",
        "1[]",
        "4{}",
        "4{\"message\":\"x\"}",
        "2",
        "2{}",
        "2\"a\"",
        "3",
        "37",
        "3{}",
        "2/ws",
        "2/ws,",
        "2/ws,7",
        "29007199254740992[\"a\"]",
        "299999999999999999999[\"a\"]",
        "5[\"a\"]",
        "50-[\"a\"]",
        "511-[\"a\"]",
        "5-[\"a\"]",
        "51[\"a\"]",
        "501-[\"a\"]",
        "5999999999-[\"a\"]",
        "5-1-[\"a\"]",
        "60-[]",
        "2-1[\"a\"]",
        "0/w\x1es,",
        "0/w\ns,",
        "0/\xff,",
        long_name,
        many_digits,
    };
    for (const auto text : table) EXPECT_FALSE(decode_packet(text)) << text.substr(0, 40);
}

TEST(Packet, FindsTheArgumentsOfAnEvent) {
    const auto packet = decode_packet(R"(2["say" , {"a":[1,2]},"x\"]", -1.5e3 , null,[] ])");
    ASSERT_TRUE(packet);
    const auto event = decode_event(*packet);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->name, "say");
    EXPECT_EQ(event->arguments, (std::vector<std::string>{R"({"a":[1,2]})", R"("x\"]")", "-1.5e3", "null", "[]"}));
}

TEST(Packet, ReadsEscapedAndNumericNames) {
    EXPECT_EQ(decode_event(*decode_packet(R"(2["\u006eotification:re\u0061d"])"))->name, "notification:read");
    EXPECT_EQ(decode_event(*decode_packet(R"(2["\ud83d\ude00\n"])"))->name, "\xF0\x9F\x98\x80\n");
    EXPECT_EQ(decode_event(*decode_packet(R"(2["\ud800"])"))->name, "\xEF\xBF\xBD");
    EXPECT_EQ(decode_event(*decode_packet("2[42]"))->name, "42");
    EXPECT_EQ(decode_event(*decode_packet("2[\"__proto__\"]"))->name, "__proto__");
}

TEST(Packet, RefusesEventsThatCannotBe) {
    const std::string_view table[] = {
        "2[]",
        "2[{}]",
        "2[null]",
        "2[true]",
        "2[[\"a\"]]",
        "2[\"connect\"]",
        "2[\"connect_error\"]",
        "2[\"disconnect\"]",
        "2[\"disconnecting\"]",
        "2[\"newListener\"]",
        "2[\"removeListener\"]",
        "2[\"\\u0063onnect\"]",
        "2[\"a\"]]",
        "2[\"a\"",
        "2[\"a\",]",
        "2[,\"a\"]",
        "2[\"a\" 1]",
        "2[\"a\",01]",
        "2[\"a\",+1]",
        "2[\"a\",1.]",
        "2[\"a\",.5]",
        "2[\"a\",NaN]",
        "2[\"a\",1e]",
        "2[\"a\",tru]",
        "2[\"a\",'b']",
        "2[\"a\",{\"b\"}]",
        "2[\"a\",{b:1}]",
        "2[\"a\",{\"b\":}]",
        "2[\"a\",{\"b\":1,}]",
        "2[\"\\x\"]",
        "2[\"\\u12\"]",
        "2[\"\x01\"]",
        "2[\"\x1e\"]",
        "2[\"\xC0\xAF\"]",
        "2[\"\xED\xA0\x80\"]",
        "2[\"\xF5\x80\x80\x80\"]",
        "2[\"\xE2\x82\"]",
    };
    for (const auto text : table) {
        const auto packet = decode_packet(text);
        EXPECT_FALSE(packet && decode_event(*packet)) << text;
    }
}

TEST(Packet, BoundsDepthAndCount) {
    const auto nested = [](std::size_t depth) {
        return "2[\"a\"," + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "]";
    };
    EXPECT_TRUE(decode_event(*decode_packet(nested(64))));
    EXPECT_EQ(decode_event(*decode_packet(nested(65))).error(), errc::json_too_deep);
    EXPECT_EQ(decode_event(*decode_packet(nested(400'000))).error(), errc::json_too_deep);
    std::string many = "2[\"a\"";
    for (int i = 0; i < 1'024; ++i) many += ",0";
    EXPECT_EQ(decode_event(*decode_packet(many + "]")).error(), errc::too_many);
}

TEST(Packet, ChecksPlaceholdersOfBinaryEventsOnly) {
    const auto event = [](std::string_view text) { return decode_event(*decode_packet(text)); };
    EXPECT_TRUE(event(R"(51-["a",{"_placeholder":true,"num":0}])"));
    EXPECT_TRUE(event(R"(51-["a",{"x":[{"num":0,"_placeholder":true}]}])"));
    EXPECT_TRUE(event(R"(51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])"));
    EXPECT_TRUE(event(R"(51-["a",1])"));
    EXPECT_TRUE(event(R"(51-["a",{"_placeholder":false,"num":9}])"));
    EXPECT_TRUE(event(R"(2["a",{"_placeholder":true,"num":9}])"));
    const std::string_view bad[] = {
        R"(51-["a",{"_placeholder":true,"num":1}])",
        R"(51-["a",{"_placeholder":true,"num":-1}])",
        R"(51-["a",{"_placeholder":true,"num":"0"}])",
        R"(51-["a",{"_placeholder":true,"num":0.5}])",
        R"(51-["a",{"_placeholder":true}])",
        R"(51-["a",{"_placeholder":true,"num":"splice"}])",
        R"(51-["a",{"_placeholder":true,"num":99999999999999999999}])",
        R"(51-["a",{"_placehol\u0064er":true,"num":1}])",
    };
    for (const auto text : bad) EXPECT_EQ(event(text).error(), errc::placeholder_invalid) << text;
}

TEST(EncodedEvent, IsTheSameTextForEveryNamespaceButItsPrefix) {
    const auto event = EncodedEvent::make("note \"x\"", {"{\"a\":1}", " 2 "});
    EXPECT_EQ(event.payload("/"), R"(42["note \"x\"",{"a":1},2])");
    EXPECT_EQ(event.payload("/ws"), R"(42/ws,["note \"x\"",{"a":1},2])");
    EXPECT_EQ(event.event(), "note \"x\"");
}

TEST(EncodedEvent, NeverCarriesControlCharactersOrInvalidText) {
    EXPECT_EQ(EncodedEvent::make("a\x1e\xff\n", {}).payload("/"), "42[\"a\\u001e\xEF\xBF\xBD\\n\"]");
    EXPECT_THROW(EncodedEvent::make("a", {"\"\x1e\""}), std::invalid_argument);
    EXPECT_THROW(EncodedEvent::make("a", {"{"}), std::invalid_argument);
    EXPECT_THROW(EncodedEvent::make("a", {"1,2"}), std::invalid_argument);
    EXPECT_THROW(EncodedEvent::make("a", {""}), std::invalid_argument);
}

TEST(EncodedEvent, SendsLoneSurrogatesAsTheyCame) {
    const auto packet = decode_packet(R"(2["a","\ud800 \udc00"])");
    ArrayDecoder decoder;
    const auto event = decoder.event(*packet);
    ASSERT_TRUE(event);
    const std::string text = EncodedEvent::make(event->name, event->arguments_json).payload("/");
    EXPECT_EQ(text, R"(42["a","\ud800 \udc00"])") << "escaped: no invalid UTF-8 goes out";
    EXPECT_EQ(EncodedEvent::make("\xED\xA0\x80", {}).payload("/"), "42[\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"]");
}

TEST(EncodedEvent, HasNoNameThatClientsRaiseThemselves) {
    for (const std::string_view name :
         {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}) {
        EXPECT_THROW(EncodedEvent::make(name, {}), std::invalid_argument) << name;
    }
    EXPECT_EQ(EncodedEvent::make("error", {}).event(), "error");
}

TEST(EncodedEvent, KnowsItsNameHoweverItIsWritten) {
    for (const std::string_view name : {"", "a", "notification:new", "quote \"", "\n", "\xC3\xA9"}) {
        EXPECT_EQ(EncodedEvent::make(name, {"1"}).event(), name);
    }
    EXPECT_EQ(EncodedEvent{}.event(), "");
}

TEST(EncodedEvent, IsBinaryOnlyWithPlaceholders) {
    EXPECT_EQ(EncodedEvent::make("a", {"1"}, {"x"}).payload("/"), "42[\"a\",1]");
    const auto binary = EncodedEvent::make("a", {"{\"_placeholder\":true,\"num\":1}"}, {"x", "y"});
    EXPECT_EQ(binary.payload("/ws"), "452-/ws,[\"a\",{\"_placeholder\":true,\"num\":1}]");
    EXPECT_THROW(EncodedEvent::make("a", {"{\"_placeholder\":true,\"num\":1}"}, {"x"}), std::invalid_argument);
}

}  // namespace
}  // namespace carillon::socketio
