// tests/core/shape_test.cpp: extents, element counts, and what a shape refuses to hold
#include <doctest/doctest.h>

#include <cordis/core/shape.hpp>

#include "refusal.hpp"

using namespace cordis;

TEST_CASE("shape: rank, extents, elements and text, from a scalar to four axes") {
  const Shape scalar, line{5}, square{2, 3}, cube{2, 3, 7}, four{2, 3, 7, 11};
  CHECK(scalar.rank() == 0);
  CHECK(scalar.numel() == 1);
  CHECK(concat(scalar, line, square, cube, four) == "()(5,)(2, 3)(2, 3, 7)(2, 3, 7, 11)");
  CHECK(four.rank() == 4);
  CHECK(line.numel() == 5);
  CHECK(square.numel() == 6);
  CHECK(cube.numel() == 42);
  CHECK(four.numel() == 462);
  CHECK(Shape{0}.numel() == 0);
  CHECK(Shape{4, 0, 5}.numel() == 0);
  CHECK(Shape{1, 1, 1, 1}.numel() == 1);
}

TEST_CASE("shape: negative axes count from the end") {
  const Shape shape{2, 3, 7};
  for (int axis = 0; axis < 3; ++axis) CHECK(shape[axis] == shape[axis - 3]);
  CHECK(shape[-1] == 7);
  CHECK(shape[-3] == 2);
  CHECK(says(refusal([&] { (void)shape[3]; }), {"[shape]", "axis 3", "(2, 3, 7)"}));
  CHECK(says(refusal([&] { (void)shape[-4]; }), {"[shape]", "axis -4", "(2, 3, 7)"}));
  CHECK(says(refusal([] { (void)Shape{}[0]; }), {"axis 0 of ()"}));
  CHECK(says(refusal([] { (void)Shape{}[-1]; }), {"axis -1 of ()"}));
}

TEST_CASE("shape: equal means the same rank and the same extents") {
  CHECK(Shape{} == Shape{});
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2, 3} != Shape{2, 4});
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK(Shape{1} != Shape{});
  CHECK(Shape{0, 2} != Shape{0, 3});
  Shape grown;
  grown.append(2).append(3).append(7);
  CHECK(grown == Shape{2, 3, 7});
  CHECK(grown.numel() == 42);
}

TEST_CASE("shape: five axes and negative extents are refused") {
  CHECK(says(refusal([] { Shape{1, 2, 3, 4, 5}; }), {"[shape]", "5 extents", "at most 4"}));
  CHECK(says(refusal([] { Shape{1, 2, 3, 4}.append(5); }), {"[shape]", "(1, 2, 3, 4)", "4 extents already"}));
  CHECK(says(refusal([] { Shape{3, -1}; }), {"[shape]", "negative extent -1"}));
  CHECK(says(refusal([] { Shape{INT64_MIN}; }), {"negative extent -9223372036854775808"}));
}

TEST_CASE("shape: element counts that would wrap are refused, and leave the shape as it was") {
  constexpr std::int64_t most = INT64_MAX / 8, root = std::int64_t{1} << 30;
  CHECK(Shape{most}.numel() == most);
  CHECK(Shape{root, root - 1}.numel() == root * (root - 1));
  CHECK(says(refusal([] { Shape{most + 1}; }), {"[shape]", "1152921504606846976 elements"}));
  CHECK(says(refusal([] { Shape{INT64_MAX}; }), {"9223372036854775807", "overflow"}));
  CHECK(says(refusal([] { Shape{root, root}; }), {"(1073741824,)", "1073741824"}));
  // 2^32 · 2^32 is nil in 64 bits, and 3 · 6148914691236517206 is 2.
  constexpr std::int64_t word = std::int64_t{1} << 32;
  CHECK(says(refusal([] { Shape{word, word}; }), {"overflow"}));
  CHECK(says(refusal([] { Shape{3, INT64_C(6148914691236517206)}; }), {"overflow"}));
  CHECK(says(refusal([] { Shape{word, word, word, word}; }), {"overflow"}));

  Shape shape{word};
  CHECK_THROWS_AS(shape.append(word), std::invalid_argument);
  CHECK_THROWS_AS(shape.append(-2), std::invalid_argument);
  CHECK(shape == Shape{word});
  CHECK(shape.numel() == word);
  CHECK(shape.append(2).numel() == 2 * word);
  // No elements, but rows whose length would wrap.
  CHECK(says(refusal([] { Shape{0, word, word}; }), {"(0, 4294967296) times 4294967296", "overflow"}));
  CHECK(says(refusal([] { Shape{word, 0, word}; }), {"(4294967296, 0) times 4294967296", "overflow"}));
  CHECK(says(refusal([] { Shape{word, word, 0}; }), {"(4294967296,) times 4294967296", "overflow"}));
  CHECK(Shape{0, word, 0, 7}.numel() == 0);
}
