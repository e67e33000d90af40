# cmake/doxygen.awk: a header as Doxygen wants it, line by line: `//` before or behind a declaration becomes `///` or `///<`.
#   awk -f doxygen.awk HEADER
# Data without a comment are what their names say. Comments within functions, and those that stand alone, stay as they
# are. Exits with 1 where braces do not come out even.

# The line with its strings and characters as blanks, so that what is left is code and its comment.
function bare(line,    out, text) {
  out = ""
  while (match(line, /"([^"\\]|\\.)*"|'([^'\\]|\\[^']+|\\')'|\/\//)) {
    text = substr(line, RSTART, RLENGTH)
    out = out substr(line, 1, RSTART - 1)
    if (text == "//") return out substr(line, RSTART)
    gsub(/./, "_", text)
    out = out text
    line = substr(line, RSTART + RLENGTH)
  }
  return out line
}

# Whether what begins with these words is a scope, in which declarations stand, and not a function or a value.
function opens_scope(words,    at, depth, c) {
  sub(/^ +/, "", words)
  if (words ~ /^template *</) {
    for (at = index(words, "<"); at <= length(words); ++at) {
      c = substr(words, at, 1)
      depth += (c == "<") - (c == ">")
      if (depth == 0) break
    }
    words = substr(words, at + 1)
  }
  return words ~ /^ *(friend |inline |static )*(namespace|class|struct|union|enum)( |$)/ && words !~ /=/
}

# Follows the code's braces and brackets.
function follow(code,    i, c) {
  for (i = 1; i <= length(code); ++i) {
    c = substr(code, i, 1)
    if (c == "{") {
      in_code += kind[++depth] = !opens_scope(head)
      head = ""
    } else if (c == "}") {
      if (depth > 0) in_code -= kind[depth--]
      else bad = 1
      head = ""
    } else if (c == ";" && brackets == 0) {
      head = ""
    } else {
      brackets += (c == "(") - (c == ")")
      head = head c
    }
  }
  if (head ~ /^ *(public|protected|private): *$/) head = ""
  if (head != "") head = head " "
}

# Text that Doxygen would take for its own commands or for HTML; a line set off by blanks is code.
function prose(text,    parts, n, i, out) {
  if (text ~ /^   +[^ ]/) {
    sub(/^ +/, "", text)
    sub(/\.$/, "", text)
    return " <br><code>" prose(text) "</code>."
  }
  n = split(text, parts, "`")
  for (i = 1; i <= n; ++i) {
    if (i % 2 == 1) {
      gsub(/[\\@#<>&%]/, "\\\\&", parts[i])
      gsub(/\*/, "\\&lowast;", parts[i])
    }
    out = out (i > 1 ? "`" : "") parts[i]
  }
  return out
}

# The names that a line declares, where it is data and nothing else; else nothing.
function data_names(code) {
  if (code !~ /; *$/ || code ~ /^ *(using|friend|typedef|return|template|static_assert|namespace|struct|class|enum)[ (]/) return ""
  sub(/; *$/, "", code)
  gsub(/\[[^\]]*\]/, "", code)
  if (match(code, / = [^,]*\(/) && index(code, "(") > RSTART) code = substr(code, 1, RSTART - 1)
  while (gsub(/\{[^{}]*\}|<[^<>]*>/, "", code) || gsub(/\([^()]*\)>/, ">", code)) continue
  gsub(/ = [^,]*/, "", code)
  if (code ~ /[()=]/ || code !~ /[A-Za-z0-9_>&*] +[A-Za-z_]/) return ""
  sub(/^.*[A-Za-z0-9_>&*] +[*&]*/, " ", code)
  gsub(/_/, " ", code)
  return code
}

# A list of data, "T a, b = 1;", as declarations of their own, each with that text.
function separated(line, text,    i, c, depth, type, out, item) {
  sub(/; *$/, ",", line)
  for (i = 1; i <= length(line); ++i) {
    c = substr(line, i, 1)
    depth += (index("<({[", c) > 0) - (index(">)}]", c) > 0)
    if (c != "," || depth > 0) {
      item = item c
      continue
    }
    if (type == "") {
      type = item
      sub(/( = |\{).*/, "", type)
      sub(/[A-Za-z0-9_]+$/, "", type)
      item = substr(item, length(type) + 1)
    }
    out = out "/**" text " */ " type item "; "
    item = ""
  }
  return out
}

# The comments gathered: documentation where `mark` is given.
function release(mark,    i, at) {
  for (i = 1; i <= held; ++i) {
    at = index(comment[i], "//")
    print mark == "" ? comment[i] : substr(comment[i], 1, at - 1) mark prose(substr(comment[i], at + 2))
  }
  held = 0
}

NR == 1 { sub(/^\/\/ [^ ]+: /, "// \\brief "); first = 1 }
first && /^\/\// {
  line = substr($0, 3)
  print "///" (line ~ /^ \\brief / ? " \\brief " prose(substr(line, 9)) : prose(line))
  next
}
first && /^#pragma once/ { print "/// \\file"; first = 0; next }
first { first = 0 }

macro || /^ *#/ {
  release(/^#define/ ? "///" : "")
  macro = /\\$/
  print
  next
}
{ sub(/namespace cordis::inline CORDIS_ABI/, "namespace cordis") }
/^ *\/\// {
  if (behind && index($0, "//") == behind) {
    print substr($0, 1, behind - 1) "///<" prose(substr($0, behind + 2))
    next
  }
  behind = 0
  comment[++held] = $0
  next
}
{
  text = bare($0)
  at = index(text, "//")
  code = at ? substr(text, 1, at - 1) : text
  declares = in_code == 0 && brackets == 0 && head ~ /^ *$/
  names = declares ? data_names(code) : ""
  list = names ~ /,/
  told = held > 0
  if (told && list) {  // of a list Doxygen gives a text to one alone
    names = ""
    for (i = 1; i <= held; ++i) names = names prose(substr(comment[i], index(comment[i], "//") + 2))
    release("")
  } else {
    release(declares && code !~ /^ *($|\}|namespace )/ ? "///" : "")
  }
  was_code = in_code
  follow(code)
  behind = 0
  if (in_code > 0 || was_code > 0 || brackets > 0 || $0 ~ /^ *\}  \/\/ namespace / || code ~ /\{ *$/) {
    print
    next
  }
  if (at) {
    behind = at
    names = prose(substr($0, at + 2))
    $0 = substr($0, 1, at - 1)
  } else if (told && !list) {
    names = ""
  }
  if (names == "") print $0
  else if (list) print separated($0, names)
  else print $0 "  ///<" names
}
END {
  release("")
  if (bad || depth != 0 || brackets != 0) {
    print FILENAME ": braces or brackets do not come out even" > "/dev/stderr"
    exit 1
  }
}
