// tests/mpi/main.cpp: the same cases on every rank, in step; rank 0 reports, the others where they fail
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "support.hpp"

int main(int argc, char** argv) {
  const cordis::MpiSession session(std::chrono::seconds(60));
  const cordis::Communicator ranks(session, {.deadline = std::chrono::seconds(60)});
  world_of_tests() = &ranks;
  doctest::Context context(argc, argv);
  if (ranks.rank() > 0) context.setOption("minimal", true);
  return context.run();
}
