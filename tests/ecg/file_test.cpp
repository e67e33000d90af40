// tests/ecg/file_test.cpp: whole files, their sizes, and the digest
#include <doctest/doctest.h>

#include <cordis/ecg/file.hpp>

#include "scratch.hpp"

using namespace cordis::ecg;
using scratch::message;
using scratch::says;

TEST_CASE("file: the digest is FNV-1a of 64 bits") {
  const auto of = [](std::string_view text) {
    Digest digest;
    digest.add(text);
    return digest.hex();
  };
  CHECK(of("") == "cbf29ce484222325");  // known answers of its authors
  CHECK(of("a") == "af63dc4c8601ec8c");
  CHECK(of("foobar") == "85944171f73967e8");
  CHECK(of(std::string_view("\0", 1)) != of(""));
  Digest parts;
  parts.add(std::string_view("foo"));
  parts.add(std::string_view("bar"));
  CHECK(parts.hex() == of("foobar"));
}

TEST_CASE("file: a number counts as its eight bytes, lowest first") {
  Digest number, bytes;
  number.add(std::uint64_t{0x8070605040302010});
  bytes.add(std::string_view("\x10\x20\x30\x40\x50\x60\x70\x80"));
  CHECK(number.value == bytes.value);
  Digest small;
  small.value = 1;
  CHECK(small.hex() == "0000000000000001");
}

TEST_CASE("file: size and content, with zeros and line breaks as they are") {
  const scratch::Folder folder;
  const std::string content("a\0\r\n\xFFz", 6);
  const auto path = folder.write("f", content);
  CHECK(size_of_file(path) == 6);
  CHECK(read_text(path) == content);
  CHECK(read_text(path, 6) == content);
  CHECK(read_bytes(path, 2) == content.substr(0, 2));
  CHECK(read_bytes(path, 0).empty());
  CHECK(read_text(folder.write("empty", "")).empty());
  std::filesystem::create_symlink("f", folder.path / "link");
  CHECK(size_of_file(folder.path / "link") == 6);
}

TEST_CASE("file: what cannot be read is told with its path") {
  const scratch::Folder folder;
  const auto path = folder.write("f", "123456");
  CHECK(says(message([&] { size_of_file(folder.path / "none"); }), {"none", "no such file"}));
  CHECK(says(message([&] { size_of_file(folder.path); }), {folder.path.string(), "not a regular file"}));
  CHECK(says(message([&] { read_text(path, 5); }), {"/f", "holds 6 bytes", "at most 5"}));
  CHECK(says(message([&] { read_bytes(path, 7); }), {"/f", "read 6 bytes", "wanted 7"}));
  CHECK(says(message([&] { read_bytes(folder.path / "none", 1); }), {"none", "cannot be opened"}));
  std::filesystem::create_symlink("gone", folder.path / "dangling");
  CHECK(says(message([&] { read_text(folder.path / "dangling"); }), {"dangling", "no such file"}));
}
