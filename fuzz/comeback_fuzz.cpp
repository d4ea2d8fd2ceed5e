// What a client shows when it comes back: its auth object, with a pid of ours in it or not, and what an opened pid
// says.
#include <cstddef>
#include <cstdint>
#include <string>

#include "gateway/comeback.hpp"
#include "gateway/recovery_notice.hpp"
#include "require.hpp"

namespace {

using namespace carillon;

const std::string kSecret(32, 's');
const gateway::PidSealer kPids{kSecret};
const token::Sealer kSealer{kSecret, "carillon socket pid 1"};
const base::UserId kUser{};
const std::string kPid = kPids.seal({kUser, "/", "id-of_20-characters0", 7});

/// `PID` in the text becomes a pid that is good.
std::string with_pid(std::string text) {
    for (auto at = text.find("PID"); at != std::string::npos; at = text.find("PID", at + kPid.size())) {
        text.replace(at, 3, kPid);
    }
    return text;
}

void check_comeback(const std::string& auth_json) {
    socketio::Handshake handshake;
    handshake.auth_json = auth_json;
    const auto found = gateway::find_comeback(handshake, kUser, "/", kPids);
    if (!found) return;
    fuzz::require(found->pid == kPid, "a pid that was never made is taken");
    fuzz::require(found->socket_id == "id-of_20-characters0", "another socket's id");
    fuzz::require(base::parse_version(std::to_string(found->since)) == found->since, "what is taken is a version");
    fuzz::require(!gateway::find_comeback(handshake, kUser, "/ws", kPids), "another namespace's pid is taken");
}

void check_pid(const std::string& plain) {
    if (plain.size() > token::Sealer::kPlainBytesMax) return;
    const auto pid = kPids.open(kSealer.seal(plain));
    if (!pid) return;
    fuzz::require(pid->socket_id.find_first_of("\"\\") == std::string::npos, "an id that is no id");
    fuzz::require(kPids.open(kPids.seal(*pid)) == pid, "a pid does not say what it was made of");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{carillon::fuzz::as_text(data, size)};
    check_comeback(with_pid(text));
    check_pid(text);
    socketio::Handshake handshake;
    handshake.query["t"] = text;
    (void)gateway::takes_offsets(handshake);
    if (const auto notice = gateway::decode_recovery_notice(text)) {
        carillon::fuzz::require(!notice->socket_id.empty() && notice->socket_id.size() <= 64, "a notice without an id");
    }
    return 0;
}
