#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <random>
#include <string>

/// Test support: random JSON values that satisfy a schema of `contracts/`, and values that nearly do.
namespace carillon::contracts {

/// The same seed gives the same values. Within `data` it keeps to what decoders ask beyond the schema (size, no
/// U+0000).
class SampleValues {
 public:
    /// `root` is the schema's document, whose `$defs` are looked up; it must outlive this.
    SampleValues(const boost::json::value& root, std::uint64_t seed) : root_{root}, random_{seed} {}

    /// A value that satisfies the schema, often at the edge of a limit.
    boost::json::value valid();

    /// A value a small step away: a field dropped, null, of another type, one character wrong, one too long, a date
    /// that no calendar has, … Most break the schema, not all.
    boost::json::value nearly_valid();

 private:
    boost::json::value sample(const boost::json::value& schema);
    boost::json::value sample_def(const std::string& name);
    std::string near_miss(const std::string& def);
    boost::json::value sample_string(const boost::json::object& schema);
    boost::json::value sample_integer(const boost::json::object& schema);
    boost::json::value sample_array(const boost::json::object& schema);
    boost::json::value sample_object(const boost::json::object& schema);
    boost::json::value any(int depth);

    std::string uuid();
    std::string version();
    std::string date_time();
    std::string link();
    std::string near_date_time();
    std::string characters(std::size_t count);

    void mutate(boost::json::value& value, bool in_data);
    void mutate_here(boost::json::value& value, bool in_data);
    void mutate_string(boost::json::string& text, bool in_data);

    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_); }
    bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
    template <class List>
    const auto& pick(const List& list) {
        return list[below(std::size(list))];
    }

    const boost::json::value& root_;
    std::mt19937_64 random_;
    bool astray_ = false;  // making a nearly valid value
};

}  // namespace carillon::contracts
