// cordis/core/tensor.hpp: a contiguous array of f32, f64 or i64
#pragma once

#include <algorithm>
#include <cordis/core/device.hpp>
#include <cordis/core/dtype.hpp>
#include <cordis/core/memory.hpp>
#include <cordis/core/shape.hpp>
#include <cordis/core/storage.hpp>
#include <span>
#include <vector>

namespace cordis::inline CORDIS_ABI {

// A handle: copies share the elements, clone() copies them. Always contiguous and row-major; a view is a
// leading range (rows) or another shape over the same elements. A default-made Tensor is undefined.
class Tensor {
 public:
  Tensor() = default;
  // Uninitialised elements.
  explicit Tensor(Shape shape, DType dtype = DType::f32, Device device = Device::cpu())
      : shape_(shape),
        dtype_(dtype),
        storage_(static_cast<std::size_t>(shape.numel()) * size_of(dtype), device) {}

  // Elements that lie in the storage, from its start.
  Tensor(Shape shape, DType dtype, Storage storage)
      : shape_(shape), dtype_(dtype), storage_(std::move(storage)) {}

  // Elements given in row-major order; their number must be shape.numel().
  template <class T>
  static Tensor of(Shape shape, const std::vector<T>& values) {
    CORDIS_CHECK(shape.numel() == static_cast<std::int64_t>(values.size()), "[tensor] ", values.size(),
                 " values for shape ", shape);
    Tensor tensor(shape, dtype_of<T>);
    std::copy(values.begin(), values.end(), tensor.data<T>());
    return tensor;
  }
  // One element of shape ().
  template <class T>
  static Tensor scalar(T value) {
    return of<T>({}, {value});
  }

  bool defined() const { return static_cast<bool>(storage_); }  // false where default-made
  const Shape& shape() const { return shape_; }                 // an extent for each axis
  std::int64_t size(int axis) const { return shape_[axis]; }    // of one axis, negative ones from the end
  int rank() const { return shape_.rank(); }                    // how many axes
  std::int64_t numel() const { return shape_.numel(); }         // how many elements
  DType dtype() const { return dtype_; }                        // element type
  Device device() const { return storage_.device(); }           // where they are
  std::size_t bytes() const { return static_cast<std::size_t>(numel()) * size_of(dtype_); }  // that they take

  // Const applies to the handle, not to the elements.
  void* raw() const { return storage_ ? static_cast<std::byte*>(storage_.data()) + offset_ : nullptr; }
  // The first element, on whatever device; throws where T is not the element type.
  template <class T>
  T* data() const {
    CORDIS_CHECK(dtype_ == dtype_of<T>, "[tensor] holds ", dtype_, ", read as ", dtype_of<T>);
    return static_cast<T*>(raw());
  }
  // Of a tensor in the CPU's memory. Not of a temporary: a range-for over it would outlive the elements.
  template <class T>
  std::span<T> values() const& {
    CORDIS_CHECK(defined(),
                 "[tensor] undefined, so without values; a gradient is, before backward and after the "
                 "optimizer's step");
    CORDIS_CHECK(device().kind == Device::Kind::cpu, "[tensor] ", shape_, " lives on ", device(),
                 "; read it from a copy: to(Device::cpu())");
    return {data<T>(), static_cast<std::size_t>(numel())};
  }
  template <class T>
  std::span<T> values() && = delete;
  // The only element, whatever its type.
  template <class T = double>
  T item() const {
    CORDIS_CHECK(defined(), "[item] the tensor is undefined");
    CORDIS_CHECK(numel() == 1, "[item] shape ", shape_, " is not a single element");
    return dispatch_all(dtype_, [&]<class S>() {
      S value;
      copy_to(Device::cpu(), &value);
      return static_cast<T>(value);
    });
  }

  // The same elements in another shape, shared; throws where the numbers of elements differ.
  Tensor reshaped(Shape shape) const {
    CORDIS_CHECK(shape.numel() == numel(), "[reshape] ", shape_, " has ", numel(), " elements, ", shape,
                 " has ", shape.numel());
    Tensor view = *this;
    view.shape_ = shape;
    return view;
  }
  // Elements [begin, end) of the first axis, sharing memory.
  Tensor rows(std::int64_t begin, std::int64_t end) const {
    CORDIS_CHECK(rank() > 0 && 0 <= begin && begin <= end && end <= size(0), "[rows] range ", begin, " to ",
                 end, " of shape ", shape_);
    Shape shape{end - begin};
    for (int axis = 1; axis < rank(); ++axis) shape.append(size(axis));
    Tensor view = *this;
    view.shape_ = shape;
    const std::size_t row = size(0) ? bytes() / static_cast<std::size_t>(size(0)) : 0;
    view.offset_ += row * static_cast<std::size_t>(begin);
    return view;
  }

  // A copy of the elements, on the same device.
  Tensor clone() const {
    if (!defined()) return {};
    Tensor copy(shape_, dtype_, device());
    copy_to(device(), copy.raw());
    return copy;
  }
  // The same values in another device's memory (itself where the device is the same).
  Tensor to(Device target) const {
    if (!defined() || target == device()) return *this;
    Tensor copy(shape_, dtype_, target);
    copy_to(target, copy.raw());
    return copy;
  }
  // Takes over the values of a tensor of this shape and element type, from any device.
  void copy_from(const Tensor& source) const {
    CORDIS_CHECK(source.shape_ == shape_ && source.dtype_ == dtype_, "[copy_from] ", source.dtype_, ' ',
                 source.shape_, " into ", dtype_, ' ', shape_);
    source.copy_to(device(), raw());
  }
  // The same values in another element type (itself where the type is the same).
  Tensor to(DType dtype) const {
    if (!defined() || dtype == dtype_) return *this;
    Tensor copy(shape_, dtype, device());
    on(device(),
       [&](auto kind) { detail::convert_elements(kind, copy.raw(), dtype, raw(), dtype_, numel()); });
    return copy;
  }
  // Sets every element, rounded to the element type; returns *this. Throws where undefined.
  Tensor& fill(double value) {
    CORDIS_CHECK(defined(), "[fill] the tensor is undefined");
    on(device(), [&](auto kind) { detail::fill_elements(kind, raw(), dtype_, numel(), value); });
    return *this;
  }

  // Nobody else holds these elements: they may be changed in place.
  bool unique() const { return storage_.unique(); }

 private:
  void copy_to(Device target, void* to) const {
    on(target, [&](auto into) {
      on(device(), [&](auto from) { detail::copy_bytes(into, from, to, raw(), bytes()); });
    });
  }

  Shape shape_;
  DType dtype_ = DType::f32;
  std::size_t offset_ = 0;
  Storage storage_;
};

using Tensors = std::vector<Tensor>;  // several, such as gradients

// Uninitialised, of x's shape, element type and device.
inline Tensor empty_like(const Tensor& x) { return Tensor(x.shape(), x.dtype(), x.device()); }
// Every element the same value.
inline Tensor full(Shape shape, double value, DType dtype = DType::f32, Device device = Device::cpu()) {
  return Tensor(shape, dtype, device).fill(value);
}
// full(shape, 0).
inline Tensor zeros(Shape shape, DType dtype = DType::f32, Device device = Device::cpu()) {
  return full(shape, 0, dtype, device);
}
// full(shape, 1).
inline Tensor ones(Shape shape, DType dtype = DType::f32, Device device = Device::cpu()) {
  return full(shape, 1, dtype, device);
}

}  // namespace cordis::inline CORDIS_ABI
