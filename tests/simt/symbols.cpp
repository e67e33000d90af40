// tests/simt/symbols.cpp: names and extents from the program's own symbol table
#include "symbols.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>

#include "sanitizer.hpp"

extern "C" char __data_start[], _end[], __executable_start[];

namespace simt {

namespace {

struct Symbol {
  std::uintptr_t begin;
  std::size_t bytes;
  std::string_view name;  // mangled, in the mapped file
};

struct Table {
  std::uintptr_t base = 0;
  std::vector<Symbol> functions, locals;
  std::vector<Extent> extents, variables;  // of locals; of all
};

void read_symbols(Table& table, const char* file) {
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(file);
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(file + header->e_shoff);
  for (int s = 0; s < header->e_shnum; ++s) {
    if (sections[s].sh_type != SHT_SYMTAB) continue;
    const auto* symbols = reinterpret_cast<const Elf64_Sym*>(file + sections[s].sh_offset);
    const char* names = file + sections[sections[s].sh_link].sh_offset;
    for (std::size_t k = 0; k < sections[s].sh_size / sizeof(Elf64_Sym); ++k) {
      const Elf64_Sym& symbol = symbols[k];
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= header->e_shnum) continue;
      const Symbol found{table.base + symbol.st_value, symbol.st_size, names + symbol.st_name};
      const auto type = ELF64_ST_TYPE(symbol.st_info);
      const bool writable = (sections[symbol.st_shndx].sh_flags & SHF_WRITE) != 0;
      if (type == STT_FUNC) table.functions.push_back(found);
      if (type == STT_OBJECT && writable) table.variables.push_back({found.begin, found.bytes});
      if (type == STT_OBJECT && writable && found.name.starts_with("_ZZ")) table.locals.push_back(found);
    }
  }
}

const Table& table() {
  static const Table& table = []() -> const Table& {
    auto& made = *new Table;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* base) {
          *static_cast<std::uintptr_t*>(base) = info->dlpi_addr;  // the first is the program
          return 1;
        },
        &made.base);
    const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || fstat(file, &status)) return made;
    void* const mapped =
        mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (mapped == MAP_FAILED) return made;
    read_symbols(made, static_cast<const char*>(mapped));
    const auto before = [](const Symbol& a, const Symbol& b) { return a.begin < b.begin; };
    std::sort(made.functions.begin(), made.functions.end(), before);
    std::sort(made.locals.begin(), made.locals.end(), before);
    std::sort(made.variables.begin(), made.variables.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (const Symbol& local : made.locals) made.extents.push_back({local.begin, local.bytes});
    return made;
  }();
  return table;
}

const Symbol* function_at(std::uintptr_t address) {
  const auto& all = table().functions;
  auto after = std::upper_bound(all.begin(), all.end(), address,
                                [](std::uintptr_t a, const Symbol& symbol) { return a < symbol.begin; });
  if (after == all.begin()) return nullptr;
  const Symbol& found = *--after;
  return address - found.begin < std::max<std::size_t>(found.bytes, 1) ? &found : nullptr;
}

std::string readable(std::string_view mangled) {
  int status = 0;
  char* const text = abi::__cxa_demangle(std::string(mangled).c_str(), nullptr, nullptr, &status);
  if (!text) return std::string(mangled);
  std::string name = text;
  std::free(text);
  // Drops the parameters, which follow the last parenthesis at depth 0, and a template's return type.
  int depth = 0;
  std::size_t end = name.size(), begin = 0;
  for (std::size_t k = 0; k < name.size(); ++k) {
    if (name[k] == '<' || name[k] == '(') {
      if (depth++ == 0 && name[k] == '(' && name.compare(k, 12, "(anonymous n") != 0) {
        end = k;
        break;
      }
    }
    if (name[k] == '>' || name[k] == ')') --depth;
    if (name[k] == ' ' && depth == 0) begin = k + 1;
  }
  name = name.substr(begin, end - begin);
  return name.size() <= 100 ? name : name.substr(0, 97) + "...";
}

}  // namespace

std::string function_name(std::uintptr_t address) {
  const Symbol* const symbol = function_at(address);
  return symbol ? readable(symbol->name) : "?";
}

const std::vector<Extent>& local_statics() { return table().extents; }

const std::vector<Extent>& local_statics_of(std::uintptr_t function) {
  static auto& known = *new std::map<std::uintptr_t, std::vector<Extent>>;
  const auto [at, is_new] = known.try_emplace(function);
  std::vector<Extent>& found = at->second;
  if (!is_new) return found;
  const Symbol* const symbol = function_at(function);
  if (!symbol || !symbol->name.starts_with("_Z")) return found;
  // A local variable is named _ZZ, its function without the _Z, E and its own name.
  const std::string prefix = "_ZZ" + std::string(symbol->name.substr(2)) + 'E';
  for (const Symbol& local : table().locals)
    if (local.name.starts_with(prefix)) found.push_back({local.begin, local.bytes});
  return found;
}

const std::vector<Extent>& variables() { return table().variables; }

std::vector<Extent> margins_of(const std::vector<Extent>& of) {
  std::vector<Extent> found;
  const auto holds = [](const std::vector<Extent>& all, std::uintptr_t address) {
    return std::any_of(all.begin(), all.end(), [&](const Extent& v) { return address - v.begin < v.bytes; });
  };
  const Extent data = writable_data();
  for (const Extent& variable : of)
    for (std::uintptr_t byte = variable.begin + variable.bytes; byte < variable.begin + variable.bytes + 32;
         ++byte)
      if (byte - data.begin < data.bytes && !holds(of, byte) && !is_poisoned(reinterpret_cast<void*>(byte)) &&
          (holds(local_statics(), byte) || !holds(variables(), byte)))
        found.push_back({byte, 1});
  return found;
}

Extent writable_data() {
  const auto begin = reinterpret_cast<std::uintptr_t>(__data_start);
  return {begin, reinterpret_cast<std::uintptr_t>(_end) - begin};
}

std::uintptr_t program_base() { return reinterpret_cast<std::uintptr_t>(__executable_start); }

std::string source_of(std::uintptr_t address) {
  char command[160];
  std::snprintf(command, sizeof command, "addr2line -s -e /proc/%d/exe 0x%zx 2>/dev/null",
                static_cast<int>(getpid()), static_cast<std::size_t>(address - table().base));
  std::string line;
  if (FILE* const pipe = popen(command, "r")) {
    char text[512];
    if (std::fgets(text, sizeof text, pipe)) line = text;
    pclose(pipe);
  }
  line = line.substr(0, line.find_first_of(" \n"));
  if (!line.empty() && !line.starts_with("??")) return line;
  const Symbol* const symbol = function_at(address);
  if (!symbol) return "?";
  std::snprintf(command, sizeof command, "+0x%zx", static_cast<std::size_t>(address - symbol->begin));
  return readable(symbol->name) + command;
}

}  // namespace simt
