// cordis/models/recurrent.hpp: LSTM, BiLSTM and GRU classifiers for 12-lead ECGs
// One recurrent layer and a fully connected head, as arXiv 2402.02021 uses them (head: flatten).
#pragma once

#include <cordis/nn/linear.hpp>
#include <cordis/nn/recurrent.hpp>
#include <cordis/op/pool1d.hpp>
#include <cordis/op/reshape.hpp>
#include <cordis/op/sequence.hpp>

namespace cordis::inline CORDIS_ABI {

// What the fully connected layer sees of the outputs (N, L, D H).
enum class Head {
  flatten,  // all of them, (N, L D H): the study's, fixed to one record length
  mean,     // their mean over time, (N, D H)
  last,     // the final state of each direction, (N, D H)
};

// Sizes and head of a recurrent classifier.
struct RecurrentClassifierOptions {
  std::int64_t leads = 12;
  std::int64_t classes = 5;
  std::int64_t length = 1000;  // samples of a record; only the flatten head depends on it
  std::int64_t hidden = 100;
  Head head = Head::flatten;
};

namespace detail {

// The head's fully connected layer, for `directions` directions.
inline Linear classifier_fc(const RecurrentClassifierOptions& o, std::int64_t directions) {
  CORDIS_CHECK(o.leads >= 1 && o.classes >= 1 && o.length >= 1 && o.hidden >= 1, "[classifier] leads ",
               o.leads, ", classes ", o.classes, ", length ", o.length, ", hidden ", o.hidden,
               ": each is at least 1");
  return Linear((o.head == Head::flatten ? o.length : 1) * directions * o.hidden, o.classes);
}

// y: outputs (N, L, D H) -> logits (N, classes)
inline Variable classify(const Variable& y, const Linear& fc, const RecurrentClassifierOptions& o,
                         std::int64_t directions) {
  if (o.head == Head::mean) return fc(global_avg_pool1d(y));
  if (o.head == Head::last) return fc(last_state(y, directions));
  CORDIS_CHECK(y.size(1) == o.length, "[classifier] x has ", y.size(1),
               " samples, but the flatten head was made for ", o.length);
  return fc(flatten(y));
}

}  // namespace detail

// (N, L, leads) -> logits (N, classes)
struct LstmClassifier {
  static constexpr const char* kName = "LstmClassifier";
  LSTM lstm;
  Linear fc;
  RecurrentClassifierOptions options;
  std::int64_t directions = 1;

  static void visit(auto& m, auto&& f) { f("lstm", m.lstm), f("fc", m.fc); }

  // Random weights, drawn from default_generator(); throws where a size is below 1.
  explicit LstmClassifier(const RecurrentClassifierOptions& o = {}, bool bidirectional = false)
      : lstm({.input = o.leads, .hidden = o.hidden, .bidirectional = bidirectional}),
        fc(detail::classifier_fc(o, bidirectional ? 2 : 1)),
        options(o),
        directions(bidirectional ? 2 : 1) {}

  // The flatten head throws where L is not the length that it was made for.
  Variable operator()(const Variable& x) const {
    return observed(*this, detail::classify(lstm(x), fc, options, directions));
  }
};

// An LstmClassifier of two directions.
struct BiLstmClassifier : LstmClassifier {
  // Random weights; throws where a size is below 1.
  explicit BiLstmClassifier(const RecurrentClassifierOptions& o = {}) : LstmClassifier(o, true) {}
};

// (N, L, leads) -> logits (N, classes)
struct GruClassifier {
  static constexpr const char* kName = "GruClassifier";
  GRU gru;
  Linear fc;
  RecurrentClassifierOptions options;

  static void visit(auto& m, auto&& f) { f("gru", m.gru), f("fc", m.fc); }

  // Random weights; throws where a size is below 1.
  explicit GruClassifier(const RecurrentClassifierOptions& o = {})
      : gru({.input = o.leads, .hidden = o.hidden}), fc(detail::classifier_fc(o, 1)), options(o) {}

  // As LstmClassifier's.
  Variable operator()(const Variable& x) const {
    return observed(*this, detail::classify(gru(x), fc, options, 1));
  }
};

}  // namespace cordis::inline CORDIS_ABI
