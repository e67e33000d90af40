// tests/fuzz/wfdb_header.cpp: a WFDB header, as lenient and as strict as it goes
#include <cordis/ecg/wfdb.hpp>

#include "target.hpp"

void one_input(std::string_view bytes) {
  for (const bool strict : {false, true})
    fuzz::try_it([&] { cordis::ecg::parse_header(bytes, "r.hea", {.strict = strict}); });
}
