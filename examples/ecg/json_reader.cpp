// examples/ecg/json_reader.cpp: a JSON object read key by key, with limits, and without keys that nobody
// reads
#include "json_reader.hpp"

#include <algorithm>
#include <cordis/ecg/text.hpp>

namespace app {

using cordis::concat;
using cordis::IoError;
using cordis::ecg::join;

Json parse_json(const std::string& text, const std::string& where) {
  // Deeper ones would be beyond the stack where they are printed.
  const auto shallow = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth > kDeepestJson) throw IoError(concat(where, ": is nested more than ", kDeepestJson, " deep"));
    return true;
  };
  try {
    return Json::parse(text, shallow);
  } catch (const Json::exception& error) {  // out_of_range, where a number is beyond a double
    throw IoError(concat(where, ": is not JSON: ", std::string(error.what()).substr(0, 300)));
  }
}

static bool is_whole(const Json& value, std::int64_t low, std::int64_t high) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return false;
  return value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high;
}

JsonReader::JsonReader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object())
    throw IoError(concat(where_, ": is ", object.dump().substr(0, 80), ", an object { } is wanted"));
}

void JsonReader::refuse(const std::string& key, const std::string& wanted) const {
  const std::string found = object_.contains(key) ? object_[key].dump() : "absent";
  throw IoError(concat(where_, ": ", key, " is ", found.size() > 100 ? found.substr(0, 97) + "..." : found,
                       ", ", wanted, " is wanted"));
}

const Json* JsonReader::find(const std::string& key) {
  known_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

void JsonReader::whole(const std::string& key, std::int64_t& value, std::int64_t low, std::int64_t high) {
  const Json* found = find(key);
  if (!found) return;
  if (!is_whole(*found, low, high)) refuse(key, concat("a whole number from ", low, " to ", high));
  value = found->get<std::int64_t>();
}
void JsonReader::whole(const std::string& key, int& value, std::int64_t low, std::int64_t high) {
  std::int64_t wide = value;
  whole(key, wide, low, high);
  value = static_cast<int>(wide);
}

void JsonReader::real(const std::string& key, double& value, double low, double high) {
  const Json* found = find(key);
  if (!found) return;
  if (!found->is_number() || !(found->get<double>() >= low && found->get<double>() <= high))
    refuse(key, concat("a number from ", low, " to ", high));
  value = found->get<double>();
}

void JsonReader::flag(const std::string& key, bool& value) {
  const Json* found = find(key);
  if (!found) return;
  if (!found->is_boolean()) refuse(key, "true or false");
  value = found->get<bool>();
}

void JsonReader::text(const std::string& key, std::string& value) {
  const Json* found = find(key);
  if (!found) return;
  if (!found->is_string() || found->get<std::string>().empty()) refuse(key, "a text that is not empty");
  value = found->get<std::string>();
}

void JsonReader::name(const std::string& key, std::string& value, const std::vector<std::string>& choices) {
  const Json* found = find(key);
  if (!found) return;
  if (!found->is_string() || std::ranges::find(choices, found->get<std::string>()) == choices.end())
    refuse(key, concat("one of ", join(choices, 40)));
  value = found->get<std::string>();
}

void JsonReader::names(const std::string& key, std::vector<std::string>& value) {
  const Json* found = find(key);
  if (!found) return;
  if (!found->is_array()) refuse(key, "a list of names");
  std::vector<std::string> list;
  std::set<std::string> known;
  for (const Json& item : *found) {
    if (!item.is_string() || item.get<std::string>().empty()) refuse(key, "a list of names");
    list.push_back(item.get<std::string>());
    if (!known.insert(list.back()).second)
      refuse(key, concat("a list that names \"", list.back(), "\" once"));
  }
  value = std::move(list);
}

void JsonReader::names(const std::string& key, std::vector<std::string>& value,
                       const std::vector<std::string>& choices) {
  names(key, value);
  if (!has(key)) return;
  for (const std::string& item : value)
    if (std::ranges::find(choices, item) == choices.end())
      throw IoError(
          concat(where_, ": ", key, " names \"", item, "\", which is not one of ", join(choices, 40)));
}

void JsonReader::wholes(const std::string& key, std::vector<int>& value, std::int64_t low,
                        std::int64_t high) {
  const Json* found = find(key);
  if (!found) return;
  const std::string wanted = concat("a list of different whole numbers from ", low, " to ", high);
  if (!found->is_array()) refuse(key, wanted);
  std::vector<int> list;
  std::set<int> known;
  for (const Json& item : *found) {
    if (!is_whole(item, low, high)) refuse(key, wanted);
    list.push_back(item.get<int>());
    if (!known.insert(list.back()).second) refuse(key, wanted);
  }
  value = std::move(list);
}

const Json& JsonReader::at(const std::string& key) {
  const Json* found = find(key);
  if (!found) throw IoError(concat(where_, ": ", key, " is missing"));
  return *found;
}

void JsonReader::finish() const {
  std::vector<std::string> unknown;
  for (const auto& [key, value] : object_.items())
    if (!known_.contains(key)) unknown.push_back(key);
  if (!unknown.empty())
    throw IoError(concat(where_, ": has the unknown ", unknown.size() > 1 ? "keys " : "key ", join(unknown),
                         "; known are ", join(known_, 60)));
}

}  // namespace app
