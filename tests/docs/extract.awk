# Takes the code out of a page so that it can be compiled and run:  awk -v page=NAME -v out=DIRECTORY -f extract.awk PAGE.md
#
#   ```cpp            a function body, compiled and run; with its own main() a program of its own
#   ```cpp no_run     compiled only (it would wait, or needs what a test has not)
#   ```cpp namespace  declarations, compiled at namespace scope; later blocks of the page can use them
#   // prints TEXT    at the end of a line in it: the block prints TEXT as a whole line, after those that stand above
#   ```sql            run through the program libsql, all blocks of a page on one database; no_run leaves a block out
#   <!-- cpp          up to --> : code the reader need not see, put before each following block of the page;
#                     an empty one ends that
#
# Writes DIRECTORY/NAME.snippets.cpp, NAME.program_N.cpp and NAME.queries.sql, those that have content.

function reset_block() { body = ""; includes = ""; expected = ""; is_program = 0; first_line = FNR + 1 }

function literal(text) {
  gsub(/[\\"]/, "\\\\&", text)
  return "\"" text "\""
}

function take(line) {
  if (line ~ /^[ \t]*#[ \t]*include/) { includes = includes line "\n"; return }
  if (line ~ /^int main\(/) is_program = 1
  if (match(line, /\/\/ prints /)) expected = expected (expected == "" ? "" : ", ") literal(substr(line, RSTART + RLENGTH))
  body = body line "\n"
}

# #line makes the compiler's messages point into the page.
function place(line_number) { return "#line " line_number " \"" FILENAME "\"\n" }

function finish_cpp(   name) {
  number++
  if (is_program) {
    name = out "/" page ".program_" number (mode == "no_run" ? ".no_run" : "") ".cpp"
    printf "%s%s%s", includes, place(first_line + gsub(/\n/, "\n", includes)), body >name
    close(name)
    return
  }
  all_includes = all_includes includes
  if (mode == "namespace") {
    functions = functions place(first_line) body
    return
  }
  functions = functions "static void snippet_" number "() {\n" setup place(first_line) body "}\n"
  calls = calls (mode == "no_run" ? "  (void)&snippet_" : "  libsql_docs::run(\"" page ", line " first_line "\", snippet_") number \
    (mode == "no_run" ? ";\n" : ", {" expected "});\n")
}

BEGIN { fence = "" }

fence == "" && /^[ \t]*<!-- cpp/ { fence = "setup"; setup = ""; next }
fence == "setup" && /-->/ { fence = ""; next }
fence == "setup" {
  if ($0 ~ /^[ \t]*#[ \t]*include/) all_includes = all_includes $0 "\n"
  else setup = setup $0 "\n"
  next
}

fence == "" && /^```cpp/ { fence = "cpp"; mode = $2; reset_block(); next }
fence == "" && /^```sql/ { fence = "sql"; mode = $2; next }
fence == "" && /^```/ { fence = "other"; next }
/^```[ \t]*$/ {
  if (fence == "cpp") finish_cpp()
  fence = ""
  next
}
fence == "cpp" { take($0); next }
fence == "sql" && mode != "no_run" { queries = queries $0 "\n" }

END {
  if (fence != "") { print FILENAME ": a block is not closed" >"/dev/stderr"; exit 1 }
  if (functions != "") {
    name = out "/" page ".snippets.cpp"
    print "#include <libsql/libsql.hpp>\n\n#include \"docs/run.hpp\"\n" all_includes >name
    print "using namespace std::chrono_literals;\n" functions >name
    print "int main() {\n" calls "  return 0;\n}" >name
  }
  if (queries != "") printf "%s", queries >(out "/" page ".queries.sql")
}
