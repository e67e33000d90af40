// tests/interop/onnx_files.cpp: Cordis's half of onnx_files.py
//   onnx_files NET CLASSES FOLDER SAMPLES BATCH...
// Draws the network, runs it in training mode so that its running statistics are not those of a fresh one,
// writes FOLDER/net.onnx, and applies it to batches of the first of LUDB's records, cut to SAMPLES:
// FOLDER/xy.safetensors has x and y of each batch as x1 and y1, x5 and y5 and so on. NET: one of the six,
// recurrent ones also with :mean and :last for their heads, or own, which has every other layer, option and
// op that has an ONNX form.
#include <cordis/cordis.hpp>
#include <cordis/ecg/preprocess.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <cordis/onnx/save.hpp>
#include <cstdio>
#include <string>

namespace {

using namespace cordis;

struct Own {
  Conv1d conv{12, 16, {.kernel = 5, .stride = 2, .padding = 4, .dilation = 2, .groups = 4}};
  BatchNorm1d plain{16, {.affine = false}};
  LSTM lstm{{.input = 16, .hidden = 7, .layers = 2, .bidirectional = true}};
  Linear each{14, 10};
  GRU gru{{.input = 10, .hidden = 6, .layers = 2, .bias = false, .bidirectional = true}};
  Dropout dropout;
  BatchNorm1d norm{12, {.eps = 1e-3}};
  Linear fc;

  explicit Own(std::int64_t classes) : fc(12, classes, {.bias = false}) {}

  static void visit(auto& m, auto&& f) {
    f("conv", m.conv), f("plain", m.plain), f("lstm", m.lstm), f("each", m.each), f("gru", m.gru),
        f("dropout", m.dropout), f("norm", m.norm), f("fc", m.fc);
  }
  Variable operator()(const Variable& x) const {
    const Variable y = max_pool1d(tanh(plain(conv(x))), {.kernel = 3, .padding = 1, .dilation = 1});
    const Variable s = gru(sigmoid(each(lstm(y))));
    return fc(dropout(norm(add(last_state(s, 2), global_avg_pool1d(s)))));
  }
};
OnnxValue onnx_form(const Own& net, const OnnxValue& x) {
  OnnxValue y = tanh(apply(net.plain, apply(net.conv, x)));
  y = max_pool1d(y, {.kernel = 3, .padding = 1, .dilation = 1});
  const OnnxValue s = apply(net.gru, sigmoid(apply(net.each, apply(net.lstm, y))));
  return apply(net.fc, apply(net.dropout, apply(net.norm, add(last_state(s, 2), global_avg_pool1d(s)))));
}

// (N, 1000, 12)
Tensor records(std::int64_t count) {
  std::vector<float> samples;
  for (std::int64_t i = 1; i <= count; ++i) {
    const auto record = ecg::read_record(concat(CORDIS_ROOT_DIR "/examples/data/ludb/data/", i));
    const auto prepared = ecg::preprocess(ecg::reorder_leads(record), {});
    if (prepared.rejected) throw IoError(prepared.rejected->text);
    samples.insert(samples.end(), prepared.samples.begin(), prepared.samples.end());
  }
  return Tensor::of({count, 1000, 12}, samples);
}

void write(auto&& net, const std::filesystem::path& folder, std::int64_t samples,
           const std::vector<std::int64_t>& batches) {
  const Tensor ecgs = records(*std::max_element(batches.begin(), batches.end()));
  const NoGrad off;
  {
    Tensor noise({8, 1000, 12});
    for (int i = 0; i < 3; ++i) net(fill_normal(noise, 0.3, 1.5));
  }
  save_onnx(net, folder / "net.onnx", {.metadata = {{"made by", "onnx_files"}}});  // still in training mode
  eval(net);
  StateDict xy;
  for (const std::int64_t batch : batches) {
    Tensor x({batch, samples, 12});
    for (std::int64_t i = 0; i < batch; ++i)
      x.rows(i, i + 1)
          .reshaped({samples, 12})
          .copy_from(ecgs.rows(i, i + 1).reshaped({1000, 12}).rows(0, samples));
    xy.push_back({concat('x', batch), x});
    xy.push_back({concat('y', batch), net(x).value()});
  }
  write_safetensors(folder / "xy.safetensors", xy);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  try {
    seed(std::stoull(argv[2]));
    const std::string name = argv[1], model = name.substr(0, name.find(':'));
    const std::int64_t classes = std::stoll(argv[2]), samples = std::stoll(argv[4]);
    std::vector<std::int64_t> batches;
    for (int i = 5; i < argc; ++i) batches.push_back(std::stoll(argv[i]));
    const Head head = name.ends_with(":mean")   ? Head::mean
                      : name.ends_with(":last") ? Head::last
                                                : Head::flatten;
    if (model == "own")
      write(Own(classes), argv[3], samples, batches);
    else
      write(make_model(model, {.classes = classes, .head = head}), argv[3], samples, batches);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "onnx_files: %s\n", error.what());
    return 1;
  }
  return 0;
}
