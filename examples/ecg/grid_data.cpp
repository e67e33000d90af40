// examples/ecg/grid_data.cpp: what a grid's data sets held when they were read: data/NAME.json
#include "grid_data.hpp"

#include "json_reader.hpp"

namespace app {
namespace {
namespace fs = std::filesystem;
fs::path file_of(const GridFolder& folder, const std::string& name) {
  return folder.path() / "data" / (name + ".json");
}
}  // namespace

void write_account(const GridFolder& folder, const std::string& name, const Records& records) {
  if (fs::exists(file_of(folder, name))) return;
  std::vector<std::int64_t> all(records.records.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  const DataSection section = data_section(name, records, {{"all", all}});
  Json steps = Json::array(), dropped = Json::array();
  for (const auto& step : section.steps) steps.push_back({step.name, step.left});
  for (const auto& account : records.accounts)
    for (const auto& [reason, count] : cordis::ecg::count_by_reason(account.dropped))
      dropped.push_back({reason, count});
  fs::create_directories(file_of(folder, name).parent_path());
  write_json(file_of(folder, name), {{"records", records.records.size()},
                                     {"classes", records.classes},
                                     {"positives", section.parts[0].positives},
                                     {"steps", steps},
                                     {"dropped", dropped},
                                     {"notes", section.notes}});
}

std::optional<DataAccount> read_account(const GridFolder& folder, const std::string& name) {
  const fs::path file = file_of(folder, name);
  if (!fs::exists(file)) return std::nullopt;
  const Json json = parse_json(cordis::ecg::read_text(file), file.string());
  DataAccount account;
  try {
    account.records = json.at("records").get<std::size_t>();
    account.classes = json.at("classes").get<std::vector<std::string>>();
    account.positives = json.at("positives").get<std::vector<std::size_t>>();
    account.steps = json.at("steps").get<decltype(account.steps)>();
    account.dropped = json.at("dropped").get<decltype(account.dropped)>();
    account.notes = json.at("notes").get<std::vector<std::string>>();
  } catch (const Json::exception& error) {
    throw cordis::IoError(cordis::concat(file.string(), ": ", error.what()));
  }
  if (account.positives.size() != account.classes.size())
    throw cordis::IoError(cordis::concat(file.string(), ": ", account.positives.size(), " counts for ",
                                         account.classes.size(), " classes"));
  return account;
}

}  // namespace app
