// tests/fuzz/tables.cpp: the tables of data sets: labels.csv, ptbxl_database.csv, ludb.csv,
// scp_statements.csv The first byte chooses which of them the rest is.
#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>

#include "target.hpp"

void one_input(std::string_view bytes) {
  if (bytes.empty()) return;
  const int which = bytes[0] & 3;
  bytes.remove_prefix(1);
  constexpr const char* kNames[] = {"labels.csv", "ptbxl_database.csv", "ludb.csv", "scp_statements.csv"};
  for (const char* name : kNames) std::filesystem::remove(fuzz::folder() / name);
  fuzz::write(kNames[which], bytes);
  if (which == 1)
    fuzz::write(
        "scp_statements.csv",
        ",diagnostic,diagnostic_class\nNORM,1.0,NORM\nIMI,1.0,MI\nNDT,1.0,STTC\nLVH,1.0,HYP\nLAFB,1.0,CD\n");
  if (which == 3)
    fuzz::write("ptbxl_database.csv",
                "ecg_id,patient_id,scp_codes,strat_fold,filename_lr\n1,2,{'NORM': 100.0},3,r\n");
  fuzz::try_it([&] {
    const auto cohort = cordis::ecg::open_source(fuzz::folder());
    for (const auto& record : cohort.records)
      if (record.labels.size() != cohort.classes.size()) std::abort();
    fuzz::try_it([&] { cordis::ecg::load(cohort, {.preprocess = {}, .wfdb = {}, .drop_unreadable = true}); });
  });
}
