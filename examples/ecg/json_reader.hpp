// examples/ecg/json_reader.hpp: a JSON object read key by key, with limits, and without keys that nobody
// reads
#pragma once

#include <set>
#include <string>
#include <vector>

#include "run_folder.hpp"

namespace app {

// A file's text as JSON; IoError with the place where it is not.
inline constexpr int kDeepestJson = 64;
Json parse_json(const std::string& text, const std::string& where);

// Each reader leaves the value as it is where the key is absent, and throws IoError "WHERE: KEY is ..., ...
// is wanted" where it holds something else.
class JsonReader {
 public:
  JsonReader(const Json& object, std::string where);

  bool has(const std::string& key) const { return object_.contains(key); }
  void whole(const std::string& key, int& value, std::int64_t low, std::int64_t high);
  void whole(const std::string& key, std::int64_t& value, std::int64_t low, std::int64_t high);
  void real(const std::string& key, double& value, double low, double high);
  void flag(const std::string& key, bool& value);
  void text(const std::string& key, std::string& value);
  // One of `choices`.
  void name(const std::string& key, std::string& value, const std::vector<std::string>& choices);
  // No name twice, none empty.
  void names(const std::string& key, std::vector<std::string>& value);
  void names(const std::string& key, std::vector<std::string>& value,
             const std::vector<std::string>& choices);
  void wholes(const std::string& key, std::vector<int>& value, std::int64_t low, std::int64_t high);
  template <class Choices, class T>
  void choice(const std::string& key, T& value, const Choices& choices) {
    std::vector<std::string> all;
    for (const auto& [known, each] : choices) all.emplace_back(known);
    std::string chosen;
    name(key, chosen, all);
    for (const auto& [known, each] : choices)
      if (known == chosen) value = each;
  }
  // The value of a key that has to be there, and how messages name it.
  const Json& at(const std::string& key);
  std::string where(const std::string& key) const { return where_ + ": " + key; }

  // Throws where the object has keys that were not asked for.
  void finish() const;

  [[noreturn]] void refuse(const std::string& key, const std::string& wanted) const;

 private:
  const Json* find(const std::string& key);

  const Json& object_;
  std::string where_;
  std::set<std::string> known_;
};

}  // namespace app
