// tests/main.cpp: doctest's main, compiled once for the rooms' test programs
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
