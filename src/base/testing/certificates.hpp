#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace carillon::base::testing {

/// Certificates made by the openssl program, in a folder of their own: an authority, a server at localhost and
/// 127.0.0.1, a client, and an authority that signed none of them.
class Certificates {
 public:
    Certificates() {
        std::string name = (std::filesystem::temp_directory_path() / "carillon-certificates-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
        folder_ = name;
        make_authority("ca");
        make_authority("stranger");
        sign("server", "subjectAltName=DNS:localhost,IP:127.0.0.1");
        sign("elsewhere", "subjectAltName=DNS:elsewhere.test");
        sign("client", "extendedKeyUsage=clientAuth");
    }
    ~Certificates() { std::filesystem::remove_all(folder_); }
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    /// "ca", "stranger", "server", "elsewhere" (whose name is not this machine's) or "client".
    std::string certificate(const std::string& name) const { return (folder_ / (name + ".pem")).string(); }
    std::string key(const std::string& name) const { return (folder_ / (name + ".key")).string(); }

 private:
    static constexpr const char* kNewKey = " -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

    void run(const std::string& arguments) const {
        const auto command = "openssl " + arguments + " 2>" + (folder_ / "log").string();
        if (std::system(command.c_str()) != 0) throw std::runtime_error{"failed: " + command};
    }
    void make_authority(const std::string& name) const {
        run("req -x509" + std::string{kNewKey} + " -days 2 -subj /CN=" + name + " -keyout " + key(name) + " -out " +
            certificate(name));
    }
    void sign(const std::string& name, const std::string& extension) const {
        const auto request = (folder_ / (name + ".csr")).string();
        run("req" + std::string{kNewKey} + " -subj /CN=" + name + " -addext " + extension + " -keyout " + key(name) +
            " -out " + request);
        run("x509 -req -in " + request + " -CA " + certificate("ca") + " -CAkey " + key("ca") +
            " -CAcreateserial -days 2 -copy_extensions copy -out " + certificate(name));
    }

    std::filesystem::path folder_;
};

}  // namespace carillon::base::testing
