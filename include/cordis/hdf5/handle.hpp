// cordis/hdf5/handle.hpp: identifiers of the HDF5 C library that close themselves, and its errors as text
#pragma once

#include <hdf5.h>

#include <cordis/config.hpp>
#include <string>
#include <utility>

namespace cordis::inline CORDIS_ABI::hdf5 {

// Owns what an H5?open or H5?create has returned; negative: nothing.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);  // closes what the id stands for

  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}  // takes over an id
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}  // takes over
  // Takes over.
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }

  hid_t get() const { return id_; }                    // still owned
  explicit operator bool() const { return id_ >= 0; }  // whether it owns anything

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

// While it lives, the library prints no errors: the callers tell of them. The setting is the library's, of
// the whole process.
class QuietErrors {
 public:
  QuietErrors() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~QuietErrors() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

// What the library said where the last call went wrong: the innermost of its messages.
inline std::string last_error() {
  std::string text;
  const auto take = [](unsigned, const H5E_error2_t* error, void* out) -> herr_t {
    auto& first = *static_cast<std::string*>(out);
    if (first.empty() && error->desc) first = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take, &text);
  return text.empty() ? "the HDF5 library does not say why" : text;
}

}  // namespace cordis::inline CORDIS_ABI::hdf5
