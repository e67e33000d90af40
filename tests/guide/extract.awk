# tests/guide/extract.awk: the C++ of Markdown pages as one program, which runs it page by page.  extract.awk PAGE...
# A block that begins with a definition is taken as it is, any other becomes a function; both see the
# definitions of their page above them. A block's main() is called like the others. What pages called README in the root
# need (records, data) is given to them, and not run.
function flush_block(    i, declares) {
  for (i = 1; i <= lines && block[i] ~ /^(\/\/|#include|$)/; ++i) continue
  declares = block[i] ~ /^(int main|struct|class|template|namespace)/ || block[i] ~ /^[A-Za-z][A-Za-z0-9_:<>&]* [a-z_]+\(.*\) \{$/
  body = body "\n#line " first " \"" page "\"\n"
  if (!declares) body = body "void block" ++blocks "(" parameters ") {\n#line " first " \"" page "\"\n"
  for (i = 1; i <= lines; ++i) {
    if (block[i] ~ /^#include/) {
      includes = includes block[i] "\n"
      block[i] = ""
    }
    if (sub(/^int main\(\) \{/, "void block" (blocks + 1) "() {", block[i])) ++blocks
    body = body block[i] "\n"
  }
  if (!declares) body = body "}\n"
}

function end_page(    i) {
  if (page == "") return
  body = body "}  // namespace\n"
  if (parameters == "")
    for (i = 1; i <= blocks; ++i)
      calls = calls "  std::cout << \"-- " page ", block " i "\\n\";\n  page" pages "::block" i "();\n"
}

FNR == 1 {
  end_page()
  page = FILENAME
  sub(/.*\//, "", page)
  parameters = readme == FILENAME ? "const cordis::TensorDataset& records" : ""
  blocks = 0
  body = body "namespace page" ++pages " {\n"
}
/^```cpp$/ { inside = 1; lines = 0; first = FNR + 1; next }
/^```$/ {
  if (inside && (parameters == "" || whole())) flush_block()
  inside = 0
  next
}
inside { block[++lines] = $0 }

# Of the README's, those that are for a plain build, and leave nothing out.
function whole(    i) {
  for (i = 1; i <= lines; ++i)
    if (block[i] ~ /cordis\/mpi|\.\.\.$/) return 0
  return 1
}
END {
  end_page()
  print "#include <algorithm>\n#include <cmath>\n#include <cordis/cordis.hpp>\n#include <iostream>\n#include <stdexcept>"
  print includes body "\nint main() {\n" calls "}"
}
