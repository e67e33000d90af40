// cordis/mpi/digest.hpp: whether all ranks hold the same tensors
#pragma once

#include <algorithm>
#include <bit>
#include <cordis/mpi/communicator.hpp>
#include <cordis/nn/module.hpp>
#include <cstring>
#include <string_view>

namespace cordis::inline CORDIS_ABI {

// Tensors that are the same on all ranks by right, and are not. Names the first, and who holds what.
struct RanksDiffer : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace detail {

// 64 bits of so many bytes, by multiplying and folding; not against intent.
inline std::uint64_t digest(const void* data, std::size_t bytes, std::uint64_t from = 0) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  const auto* at = static_cast<const std::byte*>(data);
  std::uint64_t hash = (from ^ bytes) * kOdd;
  for (std::size_t done = 0; done < bytes; done += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at + done, std::min<std::size_t>(8, bytes - done));
    hash = (hash ^ word) * kOdd;
    hash ^= hash >> 32;
  }
  return hash * kOdd;
}
inline std::uint64_t digest(std::string_view text, std::uint64_t from) {
  return digest(text.data(), text.size(), from);
}

// "rank 0", "ranks 0, 2 and 3"
inline std::string ranks_text(const std::vector<int>& ranks) {
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < ranks.size(); ++i)
    text += concat(i == 0 ? "" : i + 1 == ranks.size() ? " and " : ", ", ranks[i]);
  return text;
}

// Throws on every rank where names, shapes and element types are not the same on all.
inline void check_same_layout(const StateDict& state, const Communicator& ranks) {
  std::uint64_t hash = 0;
  for (const auto& [name, tensor] : state)
    hash = digest(concat(name, ' ', tensor.dtype(), ' ', tensor.shape()), hash);
  const Tensor own = Tensor::scalar(std::bit_cast<std::int64_t>(hash));
  const Tensor all = ranks.all_gather(own, "the net's layout");
  for (int rank = 1; rank < ranks.size(); ++rank)
    if (all.data<std::int64_t>()[rank] != all.data<std::int64_t>()[0])
      throw RanksDiffer(concat("[DataParallel] rank ", rank,
                               " has another net than rank 0: names, shapes or "
                               "element types of the parameters and buffers differ; rank ",
                               ranks.rank(), " has ", state.size(), " of them"));
}

}  // namespace detail

// Throws RanksDiffer, on every rank, where a tensor's bytes are not the same on all; `when` starts the
// message. Collective. Moves 8 bytes per tensor and rank.
inline void check_same(const StateDict& state, const Communicator& ranks, const std::string& when = "now") {
  const auto K = std::ssize(state);
  const Tensor own({K}, DType::i64);
  for (std::int64_t k = 0; k < K; ++k) {
    const Tensor here = state[static_cast<std::size_t>(k)].tensor.to(Device::cpu());
    own.data<std::int64_t>()[k] = std::bit_cast<std::int64_t>(detail::digest(here.raw(), here.bytes()));
  }
  const Tensor all = ranks.all_gather(own, "digests of the parameters");
  const auto of = [&](int rank, std::int64_t k) { return all.data<std::int64_t>()[rank * K + k]; };
  std::int64_t different = 0;
  std::string first;
  for (std::int64_t k = 0; k < K; ++k) {
    std::vector<std::pair<std::int64_t, std::vector<int>>> groups;
    for (int rank = 0; rank < ranks.size(); ++rank) {
      const auto same = std::ranges::find(groups, of(rank, k), &decltype(groups)::value_type::first);
      if (same == groups.end())
        groups.push_back({of(rank, k), {rank}});
      else
        same->second.push_back(rank);
    }
    if (groups.size() == 1 || different++ > 0) continue;
    const auto& [name, tensor] = state[static_cast<std::size_t>(k)];
    first = concat("\"", name, "\" ", tensor.dtype(), ' ', tensor.shape(), " is one thing on ");
    for (std::size_t g = 0; g < groups.size(); ++g)
      first += concat(g == 0 ? "" : ", another on ", detail::ranks_text(groups[g].second));
  }
  if (different > 0)
    throw RanksDiffer(concat("[DataParallel] ", when, ": ", first, "; ", different, " of ", K,
                             " parameters and buffers differ between the ranks"));
}

}  // namespace cordis::inline CORDIS_ABI
