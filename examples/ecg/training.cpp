// examples/ecg/training.cpp: from records and options to a finished training in its folder
#include "training.hpp"

#include <cordis/core/random.hpp>
#include <cordis/io/load.hpp>

#include "stopping.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::IoError;
using cordis::Tensor;
using cordis::ecg::join;

std::vector<std::int64_t> positives(const Records& records, const Rows& rows) {
  std::vector<std::int64_t> counts(records.classes.size(), 0);
  for (const auto row : rows)
    for (std::size_t k = 0; k < counts.size(); ++k)
      counts[k] += records.records[static_cast<std::size_t>(row)].labels[k] > 0;
  return counts;
}

}  // namespace

Split upstream_split(const Records& records, double holdout) {
  const auto first = records.sizes.at(0);
  const Rows order = cordis::numpy_permutation(1, static_cast<std::int64_t>(first));
  const auto held = static_cast<std::ptrdiff_t>(holdout * static_cast<double>(first) + 1e-9);
  Split split;
  split.test.assign(order.begin(), order.begin() + held);
  split.train.assign(order.begin() + held, order.end());
  for (auto i = static_cast<std::int64_t>(first); i < records.size(); ++i) split.train.push_back(i);
  return split;
}

std::vector<Split> downstream_splits(const Records& records, const SplitOptions& options) {
  const auto n = records.size();
  const auto seed = static_cast<std::uint32_t>(options.seed);
  if (options.folds > n) throw IoError(concat("--folds ", options.folds, ": there are only ", n, " records"));
  if (options.kind == "folds") {
    if (options.folds > 1)
      throw IoError("--folds above 1 makes its own folds; it does not go with --split folds");
    std::vector<int> folds;
    for (const auto& record : records.records) {
      if (record.fold == cordis::ecg::kNoFold)
        throw IoError(concat("--split folds: record ", record.name, " of ", records.name, " has no fold"));
      folds.push_back(record.fold);
    }
    return {cordis::split_by_fold(folds)};
  }
  const Tensor labels = options.kind == "stratified" ? records.y : Tensor();
  std::vector<std::string> patients;
  if (options.kind == "patients")
    for (const auto& record : records.records) patients.push_back(record.patient);
  std::vector<Split> splits;
  if (options.folds > 1)
    splits = cordis::cross_validation(
        n, {.folds = options.folds, .seed = seed, .labels = labels, .groups = patients});
  else if (options.kind == "random" && options.test > 0)
    splits = {cordis::train_test_split(n, {.test_fraction = options.test, .seed = seed})};
  else
    splits = {cordis::split_records(
        n, {.test_fraction = options.test, .seed = seed, .labels = labels, .groups = patients})};
  if (options.validation > 0)
    for (Split& split : splits)
      split = cordis::holdout(
          split, {.fraction = options.validation, .seed = seed, .labels = labels, .groups = patients});
  return splits;
}

std::vector<std::string> check_split(const Records& records, const Split& split, const std::string& where,
                                     bool needs_test, bool all_classes_train) {
  if (split.train.size() < 2)
    throw IoError(concat(where, ": ", split.train.size(), " training records are left after ",
                         split.test.size(), " for test and ", split.validation.size(),
                         " for validation; at least 2 are needed"));
  if (needs_test && split.test.empty())
    throw IoError(concat(where, ": no record is left to test on; give --test a share above 0"));
  std::vector<std::string> odd, never, untested;
  const auto train = positives(records, split.train), test = positives(records, split.test);
  bool any = false;
  for (std::size_t k = 0; k < records.classes.size(); ++k) {
    if (train[k] == 0) never.push_back(records.classes[k]);
    const bool testable = test[k] > 0 && test[k] < static_cast<std::int64_t>(split.test.size());
    any = any || testable;
    if (!split.test.empty() && !testable) untested.push_back(records.classes[k]);
  }
  if (!never.empty() && all_classes_train)
    throw IoError(concat(where, ": no positive record of ", join(never), " among the ", split.train.size(),
                         " training records; leave the class out with --classes, or split otherwise"));
  if (!never.empty())
    odd.push_back(concat(where, ": no positive record of ", join(never), " among the ", split.train.size(),
                         " training records, so it cannot be learnt; it counts in the scores all the same"));
  if (needs_test && !any)
    throw IoError(concat(where, ": no class has both positive and negative records among the ",
                         split.test.size(), " test records"));
  if (!untested.empty())
    odd.push_back(concat(where, ": ", join(untested), " has no positives or no negatives among the ",
                         split.test.size(),
                         " test records and is left out of the macro scores it has not got"));
  return odd;
}

cordis::ecg::CellData cell_data(const Records& records, const Split& split) {
  const auto part = [&](const Rows& rows) {
    return cordis::TensorDataset{cordis::gather_rows(records.x, rows), cordis::gather_rows(records.y, rows)};
  };
  cordis::ecg::CellData data{.train = part(split.train),
                             .validation = part(split.validation),
                             .test = part(split.test),
                             .names = {}};
  data.names.classes = records.classes;
  for (const auto row : split.test) {
    const auto& record = records.records[static_cast<std::size_t>(row)];
    data.names.records.push_back(record.name);
    for (const float label : record.labels) data.names.truth.push_back(label > 0);
  }
  return data;
}

cordis::AnyModel fresh_model(const std::string& name, const cordis::ModelOptions& options, Stage stage,
                             int seed) {
  // Epochs, which draw from the small numbers' streams, are far below these.
  const std::uint64_t stream = stage == Stage::upstream ? UINT64_MAX : UINT64_MAX - 1;
  cordis::seed(cordis::mix_seed(static_cast<std::uint64_t>(seed), stream));
  return cordis::make_model(name, options);
}

std::string start_from(cordis::AnyModel& net, const std::string& model, const std::string& file,
                       bool keep_head, std::size_t classes) {
  const auto weights = cordis::read_safetensors(file);
  const auto said = weights.metadata.find("ecg.model");
  if (said != weights.metadata.end() && said->second != model)
    throw IoError(concat(file, ": holds a ", said->second, ", --model is ", model));
  const std::string head = cordis::head_prefix(model);
  if (keep_head)
    for (const auto& [name, tensor] : weights.tensors)
      if (name == head + "weight" && tensor.rank() == 2 &&
          tensor.size(0) != static_cast<std::int64_t>(classes))
        throw IoError(concat(file, ": its top layer has ", tensor.size(0), " classes, the data ", classes,
                             "; without --keep-head a new one is put in its place"));
  const std::vector<std::string> skip =
      keep_head ? std::vector<std::string>{} : std::vector<std::string>{head};
  cordis::load_state_dict(net, weights.tensors, {.skip = skip}, file);
  cordis::ecg::Digest digest;
  digest.add(cordis::read_file(file));
  return digest.hex();
}

std::int64_t work_of(const FitOptions& fit, std::size_t records) {
  return static_cast<std::int64_t>(fit.epochs) * static_cast<std::int64_t>(records);
}

std::string scores_note(const cordis::ecg::EpochRow& row) {
  const bool tested = !std::isnan(row.test.loss);
  const auto& scores = tested ? row.test : row.validation;
  if (std::isnan(scores.loss)) return "no test";
  return concat(tested ? "" : "validation ", "AUROC ", fixed(scores.auroc, 3), "  F1 ",
                fixed(scores.f1_weighted, 3));
}

void run_job(const TrainingJob& job, const cordis::ecg::CellData& data,
             const std::function<cordis::AnyModel()>& net, Progress& progress) {
  const auto records = static_cast<std::size_t>(data.train.x.size(0));
  const auto checkpoint = job.folder / cordis::ecg::kCheckpointFile;
  if (cordis::ecg::finished(job.folder)) {
    std::error_code ignored;
    fs::remove(checkpoint, ignored);  // the process may have ended just before it would have done so
    progress.skip(job.title, "finished before", work_of(job.fit, records));
    return;
  }
  progress.begin(job.title, job.model, job.fit.epochs, static_cast<std::int64_t>(records));
  cordis::AnyModel model = net();
  cordis::ecg::CellOptions options{.folder = job.folder,
                                   .epochs = job.fit.epochs,
                                   .batch = job.fit.batch,
                                   .lr = job.fit.lr,
                                   .seed = static_cast<std::uint64_t>(job.seed),
                                   .select = job.run.select,
                                   .keep = job.run.keep,
                                   .checkpoint_seconds = job.run.checkpoint_seconds,
                                   .metadata = cordis::ecg::card_metadata(job.card)};
  std::string note;
  double best = cordis::kUndefined;
  try {
    cordis::ecg::run_cell(model, data, options,
                          {.resumed = [&](int done) { progress.resume_at(done); },
                           .batch =
                               [&](int epoch, std::int64_t count, double loss) {
                                 progress.batch(epoch, count, loss);
                                 stop_point();
                               },
                           .epoch =
                               [&](const cordis::ecg::EpochRow& row, double seconds) {
                                 note = scores_note(row);
                                 best = std::fmax(best, row.test.auroc);
                                 progress.epoch(row.epoch, row.train_loss, note, seconds);
                               }});
  } catch (const cordis::NonFiniteLoss& error) {
    throw cordis::NonFiniteLoss(concat(job.title, ": ", error.what(), "; ",
                                       fs::exists(checkpoint)
                                           ? "the last good state is in " + checkpoint.string()
                                           : std::string("there was no good epoch before"),
                                       ". A smaller learning rate may help"));
  }
  progress.end(note + (std::isnan(best) ? "" : "  best AUROC " + fixed(best, 3)));
}

}  // namespace app
