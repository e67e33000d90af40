// kernels/cudnn_per_thread.hpp: what each thread has of its own on each device, such as a library's handle
#pragma once

#include <cordis/core/device.hpp>
#include <map>
#include <mutex>
#include <vector>

namespace cordis::inline CORDIS_ABI::vendor {

// A T, made of the device when a thread first asks for it. When the thread ends, another takes it over. None
// is ever destroyed: the libraries may be gone before the program's last objects are.
template <class T>
class PerThread {
 public:
  static T& on(Cuda device) {
    thread_local Held held;
    T*& mine = held.by_device[device.index];
    if (!mine) mine = take(device);
    return *mine;
  }

 private:
  struct Idle {
    std::mutex mutex;
    std::map<int, std::vector<T*>> by_device;
  };
  static Idle& idle() {
    static Idle& idle = *new Idle;
    return idle;
  }

  struct Held {
    std::map<int, T*> by_device;
    ~Held() {
      const std::lock_guard lock(idle().mutex);
      for (const auto& [device, object] : by_device)
        if (object) idle().by_device[device].push_back(object);
    }
  };

  static T* take(Cuda device) {
    {
      const std::lock_guard lock(idle().mutex);
      auto& objects = idle().by_device[device.index];
      if (!objects.empty()) {
        T* object = objects.back();
        objects.pop_back();
        return object;
      }
    }
    return new T(device);
  }
};

}  // namespace cordis::inline CORDIS_ABI::vendor
