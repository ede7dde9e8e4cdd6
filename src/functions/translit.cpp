#include "functions/translit.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "functions/unicode.hpp"

namespace libsql::functions {
namespace {

// The replacements for `first` and the characters behind it, between commas.
struct Run {
  char32_t first;
  std::string_view texts;
};

// The values are those of the table in SQLite's spellfix.c.
constexpr Run kRuns[] = {
    {0x00a0, " "},
    {0x00b5, "u"},
    {0x00c0,
     "A,A,A,A,Ae,Aa,AE,C,E,E,E,E,I,I,I,I,D,N,O,O,O,O,Oe,x,O,U,U,U,Ue,Y,Th,ss,a,a,a,a,ae,aa,ae,c,e,e,e,e,i,"
     "i,i,i,d,n,o,o,o,o,oe,:,o,u,u,u,ue,y,th,y,A,a,A,a,A,a,C,c,Ch,ch,C,c,C,c,D,d,D,d,E,e,E,e,E,e,E,e,E,e,G"
     "h,gh,G,g,G,g,G,g,Hh,hh,H,h,I,i,I,i,I,i,I,i,I,i,IJ,ij,Jh,jh,K,k,k,L,l,L,l,L,l,L.,l.,L,l,N,n,N,n,N,n,'"
     "n,NG,ng,O,o,O,o,O,o,OE,oe,R,r,R,r,R,r,S,s,Sh,sh,S,s,S,s,T,t,T,t,T,t,U,u,U,u,U,u,U,u,U,u,U,u,W,w,Y,y,"
     "Y,Z,z,Z,z,Z,z,s"},
    {0x0192, "f"},
    {0x0218, "S,s,T,t"},
    {0x0386, "A"},
    {0x0388, "E,I,I"},
    {0x038c, "O"},
    {0x038e, "Y,O,i,A,B,G,D,E,Z,I,Th,I,K,L,M,N,X,O,P,R"},
    {0x03a3, "S,T,Y,F,Ch,Ps,O,I,Y,a,e,i,i"},
    {0x03b1, "a,b,g,d,e,z,i,th,i,k,l,m,n,x,o,p,r"},
    {0x03c3, "s,t,y,f,ch,ps,o,i,y,o,y,i"},
    {0x0400,
     "E,E,D,G,E,Z,I,I,J,I,N,D,K,I,U,D,A,B,V,G,D,E,Zh,Z,I,I,K,L,M,N,O,P,R,S,T,U,F,Kh,Tc,Ch,Sh,Shch,a,Y,Y,E,"
     "Iu,Ia,a,b,v,g,d,e,zh,z,i,i,k,l,m,n,o,p,r,s,t,u,f,kh,tc,ch,sh,shch,a,y,y,e,iu,ia,e,e,d,g,e,z,i,i,j,i,"
     "n,d,k,i,u,d"},
    {0x1e02, "B,b"},
    {0x1e0a, "D,d"},
    {0x1e1e, "F,f"},
    {0x1e40, "M,m"},
    {0x1e56, "P,p"},
    {0x1e60, "S,s"},
    {0x1e6a, "T,t"},
    {0x1e80, "W,w,W,w,W,w"},
    {0x1ef2, "Y,y"},
    {0xfb00, "ff,fi,fl"},
    {0xfb05, "st,st"},
};

// Nearly all lie close together and are looked up by their place.
constexpr char32_t kFirst = 0xa0, kEnd = 0x460;
using Ascii = std::array<char, 4>;

constexpr std::array<Ascii, kEnd - kFirst> make_table() {
  std::array<Ascii, kEnd - kFirst> table{};
  for (const Run& run : kRuns) {
    if (run.first >= kEnd) continue;
    std::size_t place = run.first - kFirst, size = 0;
    for (const char c : run.texts) {
      if (c == ',') {
        ++place;
        size = 0;
      } else {
        table[place][size++] = c;
      }
    }
  }
  return table;
}
constexpr std::array<Ascii, kEnd - kFirst> kTable = make_table();

std::string_view ascii_of(char32_t code) noexcept {
  if (code < kFirst) return {};
  if (code < kEnd) {
    const Ascii& text = kTable[code - kFirst];
    return {text.data(), static_cast<std::size_t>(std::find(text.begin(), text.end(), '\0') - text.begin())};
  }
  for (const Run& run : kRuns) {
    if (run.first < kEnd || run.first > code) continue;
    std::string_view texts = run.texts;
    for (char32_t at = run.first;; ++at) {
      const std::size_t comma = texts.find(',');
      if (at == code) return texts.substr(0, comma);
      if (comma == std::string_view::npos) break;
      texts.remove_prefix(comma + 1);
    }
  }
  return {};
}

constexpr bool is_ascii_letter(char32_t code) noexcept {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

}  // namespace

std::string transliterate(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character next = decode_character(text.substr(at));
    at += next.size;
    if (next.code < 0x80) {
      result += static_cast<char>(next.code);
      continue;
    }
    const std::string_view ascii = ascii_of(next.code);
    result += ascii.empty() ? std::string_view("?") : ascii;
  }
  return result;
}

int script_code(std::string_view text) noexcept {
  constexpr int kLatin = 215, kNone = 999, kSeveral = 998;
  int script = kNone;
  bool has_digit = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character next = decode_character(text.substr(at));
    at += next.size;
    int own = kNone;
    // The apostrophe is a part of words.
    if (next.code < 0x2af && (next.code >= 0x80 || is_ascii_letter(next.code) || next.code == U'\'')) own = kLatin;
    if (next.code >= 0x386 && next.code <= 0x3ce) own = 200;
    if (next.code >= 0x400 && next.code <= 0x4ff) own = 220;
    if (next.code >= 0x590 && next.code <= 0x5ff) own = 125;
    if (next.code >= 0x600 && next.code <= 0x6ff) own = 160;
    has_digit = has_digit || (next.code >= '0' && next.code <= '9');
    if (own == kNone || own == script) continue;
    script = script == kNone ? own : kSeveral;
  }
  return script == kNone && has_digit ? kLatin : script;
}

}  // namespace libsql::functions
