// cordis/ecg/experiment_record.hpp: what one training leaves: scores by epoch and predictions, as CSV and
// back
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cordis/ecg/csv.hpp>
#include <cordis/train/metrics.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// Of one set of records. NaN where undefined: no such set, or no class with both positives and negatives.
struct Scores {
  double loss = kUndefined;
  double f1_weighted = kUndefined, f1_macro = kUndefined;
  double auroc = kUndefined;                  // mean over the classes that have one
  std::vector<double> class_f1, class_auroc;  // one per class
};

// What one epoch gave.
struct EpochRow {
  int epoch = 0;  // from 1
  double train_loss = kUndefined;
  Scores validation = {}, test = {};
};

// Probabilities on the test set after one epoch: row-major (records, classes).
struct Prediction {
  std::string at;  // why this epoch was kept: one of kMoments
  int epoch = 0;
  std::vector<float> probability;
};

// The moments at which the test set's predictions are kept: after the first epoch, at the epoch that
// validation chose, at the last, and at the two epochs that are best on test itself.
inline constexpr std::array<const char*, 5> kMoments = {"first", "selected", "last", "best_f1_weighted",
                                                        "best_auroc"};

// The records that predictions speak of, and what is true of them.
struct TestSet {
  std::vector<std::string> records;
  std::vector<std::string> classes;
  std::vector<std::uint8_t> truth;  // row-major (records, classes)
};

// The shortest decimal text that reads back as the same number; empty for NaN.
template <class T>
std::string exact(T value) {
  if (std::isnan(value)) return {};
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

namespace detail {

template <class T>
T parse_exact(const CsvTable& table, std::size_t row, std::size_t column) {
  const std::string& text = table.rows[row][column];
  if (std::is_floating_point_v<T> && text.empty()) return std::numeric_limits<T>::quiet_NaN();
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw IoError(concat(table.where(row, column), ": \"", text, "\" is not a number"));
  return value;
}

inline void expect_columns(const CsvTable& table, const std::string& header) {
  std::string found;
  for (const auto& column : table.columns) found += (found.empty() ? "" : ",") + csv_field(column);
  if (found != header)
    throw IoError(concat(table.source, ":1: columns are ", found, "; ", header, " was wanted"));
}

inline std::string scores_header(const std::string& set, const std::vector<std::string>& classes) {
  std::string text = concat(set, "_loss,", set, "_f1_weighted,", set, "_f1_macro,", set, "_auroc");
  for (const char* metric : {"_f1_", "_auroc_"})
    for (const auto& name : classes) text += ',' + csv_field(set + metric + name);
  return text;
}

inline std::string scores_line(const Scores& scores, std::size_t classes) {
  std::string text = exact(scores.loss) + ',' + exact(scores.f1_weighted) + ',' + exact(scores.f1_macro) +
                     ',' + exact(scores.auroc);
  for (const auto* list : {&scores.class_f1, &scores.class_auroc})
    for (std::size_t k = 0; k < classes; ++k) text += ',' + (list->empty() ? "" : exact((*list)[k]));
  return text;
}

}  // namespace detail

// The first line of epochs.csv.
inline std::string epochs_header(const std::vector<std::string>& classes) {
  return "epoch,train_loss," + detail::scores_header("validation", classes) + ',' +
         detail::scores_header("test", classes);
}

// epochs.csv: one line per epoch; what is undefined is an empty field.
inline std::string epochs_csv(const std::vector<EpochRow>& rows, const std::vector<std::string>& classes) {
  std::string text = epochs_header(classes) + '\n';
  for (const auto& row : rows)
    text += concat(row.epoch, ',', exact(row.train_loss), ',',
                   detail::scores_line(row.validation, classes.size()), ',',
                   detail::scores_line(row.test, classes.size()), '\n');
  return text;
}

// epochs.csv read back; IoError where the columns are not those of these classes.
inline std::vector<EpochRow> parse_epochs(const CsvTable& table, const std::vector<std::string>& classes) {
  detail::expect_columns(table, epochs_header(classes));
  std::vector<EpochRow> rows;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    std::size_t column = 0;
    const auto next = [&] { return detail::parse_exact<double>(table, i, column++); };
    EpochRow row;
    row.epoch = detail::parse_exact<int>(table, i, column++);
    row.train_loss = next();
    for (Scores* scores : {&row.validation, &row.test}) {
      scores->loss = next(), scores->f1_weighted = next(), scores->f1_macro = next(), scores->auroc = next();
      for (std::size_t k = 0; k < classes.size(); ++k) scores->class_f1.push_back(next());
      for (std::size_t k = 0; k < classes.size(); ++k) scores->class_auroc.push_back(next());
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// The first line of predictions.csv.
inline std::string predictions_header(const std::vector<std::string>& classes) {
  std::string text = "at,epoch,record";
  for (const char* prefix : {"y_", "p_"})
    for (const auto& name : classes) text += ',' + csv_field(prefix + name);
  return text;
}

// predictions.csv: for each kept moment, one line per test record.
inline std::string predictions_csv(const std::vector<Prediction>& predictions, const TestSet& test) {
  const std::size_t classes = test.classes.size();
  std::string text = predictions_header(test.classes) + '\n';
  for (const auto& prediction : predictions)
    for (std::size_t i = 0; i < test.records.size(); ++i) {
      text += concat(prediction.at, ',', prediction.epoch, ',', csv_field(test.records[i]));
      for (std::size_t k = 0; k < classes; ++k) text += test.truth[i * classes + k] ? ",1" : ",0";
      for (std::size_t k = 0; k < classes; ++k) text += ',' + exact(prediction.probability[i * classes + k]);
      text += '\n';
    }
  return text;
}

// The predictions, and through `test` the records and the truth they were made on.
inline std::vector<Prediction> parse_predictions(const CsvTable& table,
                                                 const std::vector<std::string>& classes, TestSet& test) {
  detail::expect_columns(table, predictions_header(classes));
  std::vector<Prediction> predictions;
  test = {{}, classes, {}};
  std::size_t at = 0;  // among the records of a moment
  for (std::size_t i = 0; i < table.rows.size(); ++i, ++at) {
    const auto& fields = table.rows[i];
    if (predictions.empty() || predictions.back().at != fields[0]) {
      predictions.push_back({fields[0], detail::parse_exact<int>(table, i, 1), {}});
      at = 0;
    }
    if (predictions.size() == 1) test.records.push_back(fields[2]);
    bool same = at < test.records.size() && test.records[at] == fields[2];
    for (std::size_t k = 0; k < classes.size(); ++k) {
      const std::string& truth = fields[3 + k];
      if (truth != "0" && truth != "1")
        throw IoError(concat(table.where(i, 3 + k), ": \"", shown(truth), "\" is neither 0 nor 1"));
      if (predictions.size() == 1) test.truth.push_back(truth == "1");
      same = same && test.truth[at * classes.size() + k] == (truth == "1");
      predictions.back().probability.push_back(detail::parse_exact<float>(table, i, 3 + classes.size() + k));
    }
    if (!same)
      throw IoError(
          concat(table.where(i, 2), ": moment ", shown(fields[0]), " has not the records of the first"));
  }
  for (const auto& prediction : predictions)
    if (prediction.probability.size() != test.truth.size())
      throw IoError(
          concat(table.source, ": moment ", shown(prediction.at), " has not the records of the first"));
  return predictions;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
