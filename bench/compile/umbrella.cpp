// bench/compile/umbrella.cpp: the umbrella header, and nothing used of it
#include <cordis/cordis.hpp>

int main() {}
