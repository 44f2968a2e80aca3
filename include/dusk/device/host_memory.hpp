#pragma once

namespace dusk {

/// Makes the C library keep freed memory for the next allocation instead of handing it back to the
/// system. A training step on a CPU frees and takes the same large activations every time; getting
/// each of them anew as zeroed pages was about a tenth of a step (page faults in the profile of
/// `dusk bench step`). Call once, early.
void keep_freed_memory();

}  // namespace dusk
