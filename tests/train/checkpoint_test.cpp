// tests/train/checkpoint_test.cpp: trainings that go on from a file with the same bits, and files refused
#include <doctest/doctest.h>
#include <unistd.h>

#include <cordis/optim/adam.hpp>
#include <cordis/optim/sgd.hpp>
#include <cordis/train/checkpoint.hpp>
#include <cordis/train/trainer.hpp>
#include <fstream>

#include "refusal.hpp"
#include "small_net.hpp"

using namespace cordis;
using small_net::copy_of;
using small_net::Net;
using small_net::problem;
using small_net::same_bits;

namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cordis_checkpoint_XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp failed");
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

// Net and optimizer after `epochs` epochs.
struct Training {
  Net net;
  Adam adam;
  explicit Training(std::uint64_t of_seed, int epochs = 0) : net(of_seed), adam(net, {.lr = 0.03}) {
    go(1, epochs);
  }
  void go(int from, int to) {
    for (int epoch = from; epoch <= to; ++epoch)
      train_epoch(net, adam, problem(50, 1), {.batch = 16, .seed = 2, .epoch = epoch});
  }
  bool same(const Training& other) const {
    return same_bits(state_dict(net), state_dict(other.net)) && same_bits(adam.state(), other.adam.state());
  }
};

// Nothing of it may have changed after a refusal.
struct Unchanged {
  StateDict net, optimizer;
  std::uint64_t seed = default_generator().seed(), offset = default_generator().offset();
  explicit Unchanged(const Training& t)
      : net(copy_of(state_dict(t.net))), optimizer(copy_of(t.adam.state())) {}
  bool operator()(const Training& t) const {
    return same_bits(state_dict(t.net), net) && same_bits(t.adam.state(), optimizer) &&
           default_generator().seed() == seed && default_generator().offset() == offset;
  }
};

}  // namespace

TEST_CASE("checkpoint: a round trip brings back every bit, and the metadata") {
  const Folder folder;
  const auto path = folder.path / "a.safetensors";
  const Training from(1, 2);
  const Generator generator(UINT64_MAX - 5, (UINT64_C(1) << 63) + 7);
  default_generator() = generator;
  save_checkpoint(path, from.net, from.adam, {{"epoch", "2"}, {"note", "a \"b\"\n"}});
  Training into(2);
  CHECK(!into.same(from));
  seed(3);
  const auto metadata = load_checkpoint(path, into.net, into.adam);
  CHECK(into.same(from));
  CHECK(default_generator().seed() == generator.seed());
  CHECK(default_generator().offset() == generator.offset());
  CHECK(metadata == std::map<std::string, std::string>{{"epoch", "2"}, {"note", "a \"b\"\n"}});
  // The optimizer moves the net that was loaded into.
  const StateDict before = copy_of(state_dict(into.net));
  into.go(3, 3);
  CHECK(!same_bits(state_dict(into.net), before));
}

TEST_CASE("checkpoint: what the caller adds comes back; an optimizer that made no step does too") {
  const Folder folder;
  const auto path = folder.path / "b.safetensors";
  Training from(1);
  Checkpoint checkpoint = checkpoint_of(from.net, from.adam);
  checkpoint.more = {{"best.loss", Tensor::scalar(0.25)},
                     {"order", Tensor::of({3}, std::vector<std::int64_t>{2, 0, 1})}};
  write_checkpoint(path, checkpoint);
  const Checkpoint back = read_checkpoint(path);
  CHECK(same_bits(back.net, checkpoint.net));
  CHECK(same_bits(back.optimizer, checkpoint.optimizer));
  CHECK(same_bits(back.more, checkpoint.more));
  CHECK(back.metadata.empty());
  Training into(2, 1);
  restore(back, into.net, into.adam);
  CHECK(into.same(from));
}

TEST_CASE("checkpoint: a training resumed from a file equals one that was never interrupted") {
  const Folder folder;
  const auto path = folder.path / "c.safetensors";
  const Training straight(1, 5);
  {
    const Training first(1, 2);
    save_checkpoint(path, first.net, first.adam);
  }
  Training second(99);
  load_checkpoint(path, second.net, second.adam);
  second.go(3, 5);
  CHECK(second.same(straight));
}

TEST_CASE("checkpoint: dropout goes on where the default generator was") {
  const Folder folder;
  const auto path = folder.path / "d.safetensors";
  const TensorDataset data = problem(20, 4);
  const auto steps = [&](Training& t, int n) {
    train(t.net);
    for (int i = 0; i < n; ++i) {
      bce_with_logits(t.net(Variable(data.x)), Variable(data.y)).backward();
      t.adam.step();
    }
  };
  Training straight(1);
  steps(straight, 6);
  Training first(1);
  steps(first, 2);
  save_checkpoint(path, first.net, first.adam);
  Training second(7);
  seed(8);
  load_checkpoint(path, second.net, second.adam);
  steps(second, 4);
  CHECK(second.same(straight));
}

TEST_CASE("checkpoint: tensors are the net's own until cloned") {
  Training t(1, 1);
  const Checkpoint live = checkpoint_of(t.net, t.adam);
  const StateDict kept = clone(live.net);
  t.go(2, 2);
  CHECK(same_bits(live.net, state_dict(t.net)));
  CHECK(!same_bits(kept, state_dict(t.net)));
}

TEST_CASE("checkpoint: a truncated file is refused, wherever it ends, and changes nothing") {
  const Folder folder;
  const auto path = folder.path / "e.safetensors", cut = folder.path / "cut.safetensors";
  const Training from(1, 1);
  save_checkpoint(path, from.net, from.adam);
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  Training into(2, 1);
  const Unchanged unchanged(into);
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{100},
                                 bytes.size() / 2, bytes.size() - 1}) {
    CAPTURE(size);
    std::ofstream(cut, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(size));
    CHECK(says(refusal<IoError>([&] { load_checkpoint(cut, into.net, into.adam); }), {"cut.safetensors"}));
    CHECK(unchanged(into));
  }
  CHECK(
      says(refusal<IoError>([&] { load_checkpoint(folder.path / "none", into.net, into.adam); }), {"none"}));
  CHECK(unchanged(into));
}

TEST_CASE("checkpoint: one of another net or optimizer is refused, and changes nothing") {
  const Folder folder;
  const auto path = folder.path / "f.safetensors";
  Training into(2, 1);
  const auto refused = [&](const auto& net, const auto& optimizer) {
    save_checkpoint(path, net, optimizer);
    const Unchanged unchanged(into);
    const auto text = refusal([&] { load_checkpoint(path, into.net, into.adam); });
    CHECK(unchanged(into));
    return text;
  };
  Net wider(1, 9);
  CHECK(says(refused(wider, Adam(wider)),
             {path.string(), "misshapen", "fc1.weight: file f32 (9, 4), net f32 (8, 4)"}));
  {
    Adam adam(wider);  // with moments of its own shapes
    train_epoch(wider, adam, problem(20, 1), {.batch = 10});
    CHECK(says(refused(wider, adam), {"[optimizer] state", "(9, 4)", "does not belong"}));
  }
  Linear linear(4, 8);
  CHECK(says(refused(linear, Adam(linear)), {"no step count of parameter 2"}));
  CHECK(
      says(refused(linear, Adam(into.net)), {"missing", "fc1.weight (8, 4)", "unexpected", "weight (8, 4)"}));
  Net same(1);
  SGD sgd(same, {.momentum = 0.9});
  train_epoch(same, sgd, problem(20, 1), {.batch = 10});
  CHECK(says(refused(same, sgd), {"1 of 2 tensors", "another optimizer's"}));
}

TEST_CASE("checkpoint: a file that is none is told so") {
  const Folder folder;
  const auto path = folder.path / "g.safetensors";
  const Training from(1);
  const auto refused = [&](const StateDict& state) {
    write_safetensors(path, state);
    return refusal<IoError>([&] { (void)read_checkpoint(path); });
  };
  CHECK(says(refused({}), {"g.safetensors", "no generator state"}));
  CHECK(says(refused({{"net.w", ones({2})}}), {"g.safetensors", "no generator state"}));
  CHECK(says(refused(state_dict(from.net)),
             {"tensor \"fc1.weight\" f32 (8, 4)", "does not belong into a checkpoint"}));
  CHECK(says(refused({{"generator", ones({2})}}), {"\"generator\" f32 (2,)", "does not belong"}));
  CHECK(says(refused({{"generator", ones({3}, DType::i64)}}), {"\"generator\" i64 (3,)"}));
  CHECK(refused({{"generator", ones({2}, DType::i64)}}).empty());
}

TEST_CASE("checkpoint: a later one takes the earlier one's place") {
  const Folder folder;
  const auto path = folder.path / "h.safetensors";
  Training t(1, 1);
  save_checkpoint(path, t.net, t.adam, {{"epoch", "1"}});
  t.go(2, 2);
  save_checkpoint(path, t.net, t.adam, {{"epoch", "2"}});
  Training into(5);
  CHECK(load_checkpoint(path, into.net, into.adam).at("epoch") == "2");
  CHECK(into.same(t));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
  CHECK(!refusal<IoError>([&] { save_checkpoint(folder.path / "no" / "i", t.net, t.adam); }).empty());
}
