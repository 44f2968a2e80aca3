#pragma once

#include <utility>

namespace dusk {

/// Owns one handle of a C library: it moves, never copies, and its destructor neither throws nor
/// communicates. `Destroy` is a noexcept function; `kNone` is the library's "no handle" value.
template <class Handle, Handle kNone, auto Destroy>
class UniqueHandle {
 public:
  explicit UniqueHandle(Handle handle = kNone) noexcept : handle_(handle) {}
  UniqueHandle(UniqueHandle&& other) noexcept : handle_(std::exchange(other.handle_, kNone)) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, kNone);
    }
    return *this;
  }
  UniqueHandle(const UniqueHandle&) = delete;
  UniqueHandle& operator=(const UniqueHandle&) = delete;
  ~UniqueHandle() { reset(); }

  void reset() noexcept {
    if (handle_ != kNone) Destroy(std::exchange(handle_, kNone));
  }
  [[nodiscard]] Handle get() const noexcept { return handle_; }
  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != kNone; }

 private:
  Handle handle_;
};

/// Closes a POSIX file descriptor; what close() reports at this point can no longer be acted on.
void close_descriptor(int descriptor) noexcept;
using UniqueFd = UniqueHandle<int, -1, &close_descriptor>;

}  // namespace dusk
