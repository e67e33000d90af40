// tests/package/consumer/whole.cpp: one more file that includes all of Cordis, so that what is defined twice
// shows
#include <cordis/cordis.hpp>
