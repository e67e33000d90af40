// bench/model/model_bench.cpp: one network's training step or inference, timed in a process of its own
// Prints one JSON line, of the same keys as the scripts in bench/peer.
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cordis/models/any_model.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/adam.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#if __has_include(<cordis/models/fused.hpp>)  // revisions.sh goes back to before it
#include <cordis/models/fused.hpp>
#endif

namespace {

using namespace cordis;

// Every option and its value if none is given.
std::map<std::string, std::string> read_options(int argc, char** argv) {
  std::map<std::string, std::string> options{
      {"--model", "resnet1d18"}, {"--mode", "train"}, {"--batch", "32"}, {"--threads", "1"},
      {"--length", "1000"},      {"--dtype", "f32"},  {"--warmup", "3"}, {"--reps", "15"},
      {"--min-reps", "5"},       {"--max-s", "30"}};
  for (int i = 1; i < argc; i += 2) {
    const auto found = options.find(argv[i]);
    if (found == options.end() || i + 1 == argc) {
      std::string usage;
      for (const auto& [key, value] : options) usage += concat(' ', key, ' ', value);
      fail(argv[i], found == options.end() ? ": no such option" : ": value missing", "; defaults:", usage);
    }
    found->second = argv[i + 1];
  }
  return options;
}

double seconds_since_process_start() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));  // from the third on
  for (int field = 3; field < 22; ++field) fields >> text;
  double ticks = 0;
  fields >> ticks;
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec) -
         ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Macs {
  std::int64_t forward = 0;
  std::int64_t input_gradient = 0;  // of the first layer's input, which training does not need
};

// Multiply-adds of convolutions, fully connected and recurrent layers for a batch of x's shape.
Macs count_macs(AnyModel& net, const Shape& x) {
  const std::int64_t batch = x[0];
  std::map<std::string, Shape> shapes;
  for (const auto& [key, variable] : named_parameters(net)) shapes[key] = variable.shape();
  Macs macs;
  for (const auto& row : summary_rows(net, {1, x[1], x[2]})) {
    std::int64_t layer = 0, input = 0;
    if (row.type == "Conv1d" || row.type == "Linear") {
      const Shape& w = shapes.at(row.key + ".weight");
      layer = input = batch * row.output.numel() * (w.numel() / w[0]);
    } else if (row.type == "LSTM" || row.type == "GRU") {
      for (const auto& [key, shape] : shapes) {
        if (!key.starts_with(row.key + ".weight_")) continue;
        layer += batch * row.output[1] * shape.numel();
        if (key.starts_with(row.key + ".weight_ih_l0")) input += batch * row.output[1] * shape.numel();
      }
    }
    if (macs.forward == 0) macs.input_gradient = input;
    macs.forward += layer;
  }
  return macs;
}

// One inference; returns the logits.
std::function<Tensor(const Tensor&)> make_inference(AnyModel& net) {
  eval(net);
#if __has_include(<cordis/models/fused.hpp>)
  return [fused = fuse(net)](const Tensor& x) { return fused(x).value(); };
#else
  return [&net](const Tensor& x) {
    const NoGrad off;
    return net(x).value();
  };
#endif
}

// One training step; returns the loss.
std::function<Tensor(const Tensor&)> make_training(AnyModel& net, const Tensor& y) {
  return [&net, y, adam = Adam(net, {.lr = 1e-2})](const Tensor& x) mutable {
    const Variable loss = bce_with_logits(net(x), y);
    loss.backward();
    adam.step();
    return loss.value();
  };
}

void run(int argc, char** argv) {
  auto options = read_options(argc, argv);
  const auto number = [&](const char* key) { return std::stoll(options[key]); };
  const std::string &model = options["--model"], &mode = options["--mode"], &dtype = options["--dtype"];
  CORDIS_CHECK(mode == "train" || mode == "infer", "--mode ", mode, ": train or infer");
  CORDIS_CHECK(dtype == "f32" || dtype == "f64", "--dtype ", dtype, ": f32 or f64");
  const std::int64_t batch = number("--batch"), length = number("--length"), warmup = number("--warmup"),
                     reps = number("--reps"), min_reps = number("--min-reps");
  const double max_s = std::stod(options["--max-s"]);
  CORDIS_CHECK(reps >= 1 && batch >= 1, "--reps ", reps, ", --batch ", batch, ": each is at least 1");
  set_num_threads(static_cast<int>(number("--threads")));

  const DType type = dtype == "f64" ? DType::f64 : DType::f32;
  AnyModel net = make_model(model, {.length = length});
  to(net, type);
  Tensor x({batch, length, 12}, type), y({batch, 5}, type);
  fill_uniform(x, -1, 1);
  fill_uniform(y, 0, 1);
  dispatch_float(type, "model_bench", [&]<class T>() {
    for (T& label : y.values<T>()) label = label < T(0.3) ? T{1} : T{0};
  });
  const double base_rss = peak_rss_mb();

  const auto step = mode == "train" ? make_training(net, y) : make_inference(net);
  const auto value = [](const Tensor& output) {
    return dispatch_float(output.dtype(), "model_bench",
                          [&]<class T>() { return static_cast<double>(*output.data<T>()); });
  };
  double last = value(step(x));
  const double first_step = seconds_since_process_start();
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(max_s);
  std::vector<double> times;
  for (std::int64_t i = 0; i < warmup + reps; ++i) {
    const auto start = Clock::now();
    last = value(step(x));
    const std::chrono::duration<double, std::milli> elapsed = Clock::now() - start;
    if (i >= warmup) times.push_back(elapsed.count());
    if (Clock::now() > end && std::ssize(times) >= min_reps) break;
  }
  const double rss = peak_rss_mb();
  std::ranges::sort(times);
  const std::size_t n = times.size();
  const double median = n % 2 ? times[n / 2] : (times[n / 2 - 1] + times[n / 2]) / 2;
  const auto [forward, input_gradient] = count_macs(net, x.shape());
  const double gflop = 2e-9 * static_cast<double>(mode == "train" ? 3 * forward - input_gradient : forward);
  double load = 0;
  getloadavg(&load, 1);

  std::cout << concat(R"({"peer": "cordis", "version": ")", kVersion, R"(", "model": ")", model,
                      R"(", "mode": ")", mode, R"(", "batch": )", batch, R"(, "threads": )", num_threads(),
                      R"(, "length": )", length, R"(, "dtype": ")", dtype, R"(", "n": )", n,
                      R"(, "median_ms": )", median, R"(, "min_ms": )", times[0], R"(, "peak_rss_mb": )", rss,
                      R"(, "base_rss_mb": )", base_rss, R"(, "process_start_to_first_step_s": )", first_step,
                      R"(, "last_value": )", std::isfinite(last) ? concat(last) : "null", R"(, "load1": )",
                      load, R"(, "gflop": )", gflop, R"(, "gflops": )", gflop / times[0] * 1e3, "}\n");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "model_bench: " << error.what() << '\n';
    return 2;
  }
}
