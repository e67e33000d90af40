// tests/io/atomic_file_test.cpp: whole files read, the old bytes or the new ones, nothing left lying about
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cordis/io/atomic_file.hpp>
#include <csignal>
#include <thread>

#include "refusal.hpp"
#include "scratch.hpp"

using namespace cordis;
using scratch::Folder;
using scratch::fs::path;
using Names = std::vector<std::string>;

namespace {

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 7919 + i / 256) & 255);
  return bytes;
}

}  // namespace

TEST_CASE("atomic_file: what is written is read back, at sizes around the buffer's") {
  const Folder folder;
  const path file = folder.path / "x.bin";
  for (const std::size_t size : {0U, 1U, 4095U, 65535U, 65536U, 65537U, 200003U}) {
    const std::string bytes = noise(size);
    atomic_write(file, bytes);
    CHECK(read_file(file) == bytes);
    CHECK(scratch::fs::file_size(file) == size);
  }
  CHECK(folder.names() == Names{"x.bin"});
  CHECK(read_file(folder.write("other", noise(70000))) == noise(70000));
}

TEST_CASE("atomic_file: files whose size the system does not know are read to their end") {
  CHECK(says(read_file("/proc/self/status"), {"Name:", "Pid:"}));
}

TEST_CASE("atomic_file: what cannot be read is named, with the reason") {
  const Folder folder;
  CHECK(says(refusal<IoError>([&] { read_file(folder.path / "absent"); }),
             {(folder.path / "absent").string(), "cannot be opened", "No such file"}));
  CHECK(says(refusal<IoError>([&] { read_file(folder.path); }), {folder.path.string(), "is a folder"}));
  folder.write("file", "x");
  CHECK(says(refusal<IoError>([&] { read_file(folder.path / "file" / "below"); }), {"Not a directory"}));
}

TEST_CASE("atomic_file: a new file gets the rights that any new file gets") {
  const Folder folder;
  atomic_write(folder.path / "ours", "x");
  folder.write("plain", "x");
  CHECK(scratch::fs::status(folder.path / "ours").permissions() ==
        scratch::fs::status(folder.path / "plain").permissions());
}

TEST_CASE("atomic_file: a path without a folder is in the current one") {
  const Folder folder;
  CHECK(scratch::in_child([&] {
          scratch::fs::current_path(folder.path);
          atomic_write("bare", "content");
          return read_file("bare") == "content" ? 0 : 1;
        }) == 0);
  CHECK(folder.names() == Names{"bare"});
}

TEST_CASE("atomic_file: the new file is another one, so that whoever reads the old one goes on") {
  const Folder folder;
  const path file = folder.path / "x";
  atomic_write(file, "the old bytes");
  std::ifstream reader(file);
  std::string word;
  reader >> word;
  atomic_write(file, "new");
  std::getline(reader, word);
  CHECK(word == " old bytes");
  CHECK(read_file(file) == "new");
}

TEST_CASE("atomic_file: a full disk leaves the old file, and no other") {
  const Folder folder;
  const path file = folder.path / "x", fresh = folder.path / "fresh";
  atomic_write(file, "before");
  const auto status = scratch::in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100000, 100000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    for (const path& each : {file, fresh})
      if (!says(refusal<IoError>([&] { atomic_write(each, noise(100001)); }),
                {each.string() + ": cannot be written", "File too large"}))
        return 2;
    if (read_file(file) != "before") return 3;
    atomic_write(fresh, noise(100000));  // up to the limit it works
    return 0;
  });
  CHECK(status == 0);
  CHECK(read_file(file) == "before");
  CHECK(read_file(fresh) == noise(100000));
  CHECK(folder.names().size() == 2);
}

TEST_CASE("atomic_file: a folder without write permission") {
  const Folder folder;
  const path closed = folder.path / "closed", file = closed / "x";
  scratch::fs::create_directory(closed);
  atomic_write(file, "before");
  scratch::fs::permissions(folder.path, scratch::fs::perms(0755));
  scratch::fs::permissions(closed, scratch::fs::perms(0555));
  const auto status = scratch::in_child([&] {
    if (geteuid() == 0 && seteuid(65534) != 0) return 0;  // root may write everywhere
    const auto text = refusal<IoError>([&] { atomic_write(file, "after"); });
    return says(text, {file.string() + ": cannot be written", "Permission denied"}) ? 0 : 1;
  });
  CHECK(status == 0);
  CHECK(read_file(file) == "before");
  scratch::fs::permissions(closed, scratch::fs::perms(0755));
  CHECK(std::distance(scratch::fs::directory_iterator(closed), {}) == 1);
}

TEST_CASE("atomic_file: a missing folder, a file for a folder, a folder for the file") {
  const Folder folder;
  CHECK(says(refusal<IoError>([&] { atomic_write(folder.path / "absent" / "x", "x"); }),
             {"absent/x: cannot be written", "No such file"}));
  folder.write("file", "x");
  CHECK(says(refusal<IoError>([&] { atomic_write(folder.path / "file" / "x", "x"); }),
             {"file/x: cannot be written", "Not a directory"}));
  scratch::fs::create_directory(folder.path / "taken");
  CHECK(says(refusal<IoError>([&] { atomic_write(folder.path / "taken", "x"); }),
             {"taken: cannot be renamed into place", "directory"}));
  CHECK(scratch::fs::is_directory(folder.path / "taken"));
  CHECK(folder.names().size() == 2);
}

TEST_CASE("atomic_file: a leftover of an earlier process is in nobody's way") {
  const Folder folder;
  for (int i = 0; i < 1000; ++i) folder.write(concat("x.tmp.", getpid(), '.', i), "half a fi");
  atomic_write(folder.path / "x", "whole");
  CHECK(read_file(folder.path / "x") == "whole");
}

TEST_CASE("atomic_file: writers and readers of one path at a time see whole files only") {
  const Folder folder;
  const path file = folder.path / "x";
  const auto body = [](std::size_t writer, std::size_t round) {
    return std::string(1000 + 50000 * writer + round, static_cast<char>('a' + writer));
  };
  atomic_write(file, body(0, 0));
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (std::size_t writer = 0; writer < 3; ++writer)
    threads.emplace_back([&, writer] {
      try {
        for (std::size_t round = 0; round < 20; ++round) atomic_write(file, body(writer, round));
      } catch (const IoError&) {
        ++failures;
      }
    });
  for (int round = 0; round < 200; ++round) {
    const std::string found = read_file(file);
    const auto writer = static_cast<std::size_t>(found.at(0) - 'a');
    const bool whole = writer < 3 && found.size() >= 1000 + 50000 * writer &&
                       found.size() < 1020 + 50000 * writer && found == std::string(found.size(), found[0]);
    failures += !whole;
  }
  for (auto& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(folder.names() == Names{"x"});
}
