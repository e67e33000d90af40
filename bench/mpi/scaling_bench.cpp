// bench/mpi/scaling_bench.cpp: a training step of ResNet1d18 by one rank and by all, in turn in one run
// scaling_bench [rounds [steps]]: started by mpirun, CORDIS_NUM_THREADS is not read. Prints a table.
#include <algorithm>
#include <chrono>
#include <cordis/models/resnet1d.hpp>
#include <cordis/mpi/batch_norm.hpp>
#include <cordis/mpi/data_parallel.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/adam.hpp>
#include <cstdio>
#include <iostream>
#include <optional>

using namespace cordis;

namespace {

constexpr std::int64_t kBatch = 32, kLength = 1000, kLeads = 12, kClasses = 5;

// One way to do the step; the same batch, weights and optimizer in each.
struct Way {
  std::string name;
  bool all = false;  // every rank, with its rows; else rank 0 alone, with all rows
  int threads = 1;   // of a rank
  bool synchronised = false;
  DataParallelOptions options = {};
  std::vector<double> seconds = {};
};

struct Training {
  ResNet1d18 net{{.leads = kLeads, .classes = kClasses}};
  Adam adam{net};
  std::optional<DataParallel<ResNet1d18>> parallel;
  Variable x, y;

  Training(const Way& way, const Communicator& ranks) {
    const Shard shard = way.all ? Shard{.index = ranks.rank(), .of = ranks.size()} : Shard{};
    const std::int64_t rows = shard.end(kBatch) - shard.begin(kBatch);
    Generator generator(1, static_cast<std::uint64_t>(shard.index));
    Tensor records({rows, kLength, kLeads}), labels({rows, kClasses});
    x = Variable(fill_uniform(records, -1, 1, generator));
    y = Variable(fill_uniform(labels, 0, 1, generator));
    if (way.synchronised) synchronise_batch_norm(net, ranks);
    if (way.all) parallel.emplace(net, ranks, way.options);
  }
  void step() {
    const Variable loss = bce_with_logits(net(x), y);
    if (parallel)
      parallel->backward(loss, x.size(0));
    else
      loss.backward();
    adam.step();
  }
};

}  // namespace

int main(int argc, char** argv) try {
  const int rounds = argc > 1 ? std::stoi(argv[1]) : 10, steps = argc > 2 ? std::stoi(argv[2]) : 5;
  const MpiSession session;
  const Communicator ranks(session);
  const int R = ranks.size();
  std::vector<Way> ways{
      {.name = "1 rank, 1 thread"},
      {.name = concat("1 rank, ", R, " threads"), .threads = R},
      {.name = concat(R, " ranks, 1 thread each"), .all = true},
      {.name = concat(R, " ranks, 1 thread each, synchronised batch norm"),
       .all = true,
       .synchronised = true},
      {.name = concat(R, " ranks, 1 thread each, all gradients in one sum"),
       .all = true,
       .options = {.bucket_bytes = INT32_MAX}},
  };
  std::vector<std::unique_ptr<Training>> trainings;
  for (const auto& way : ways) trainings.push_back(std::make_unique<Training>(way, ranks));
  for (int round = -1; round < rounds; ++round)  // the first one warms up
    for (std::size_t i = 0; i < ways.size(); ++i) {
      set_num_threads(ways[i].threads);
      ranks.barrier();
      const auto begin = std::chrono::steady_clock::now();
      if (ways[i].all || ranks.rank() == 0)
        for (int step = 0; step < steps; ++step) trainings[i]->step();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      if (round >= 0) ways[i].seconds.push_back(took.count() / steps);
    }
  ranks.barrier();
  if (ranks.rank() > 0) return 0;
  std::printf(
      "ResNet1d18, %d records of (%d, %d) per step in all, f32, Adam; %d rounds of %d steps in turn\n\n",
      static_cast<int>(kBatch), static_cast<int>(kLength), static_cast<int>(kLeads), rounds, steps);
  std::printf("| | least ms a step | median | times 1 rank, 1 thread (least) |\n|---|---|---|---|\n");
  double base = 0;
  for (auto& way : ways) {
    std::ranges::sort(way.seconds);
    const double least = way.seconds.front(), median = way.seconds[way.seconds.size() / 2];
    if (base == 0) base = least;
    std::printf("| %s | %.1f | %.1f | %.2f |\n", way.name.c_str(), least * 1e3, median * 1e3, base / least);
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << '\n';
  return 1;
}
