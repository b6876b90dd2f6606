// Counts the allocations of a process, so that a test can say "this allocates nothing".
//
// On glibc the allocator's functions are replaced by ones that count and then call the real ones, whoever the
// caller is: Swift's runtime, C, any thread. Elsewhere, and under a sanitizer that replaces them itself,
// `allocation_counter_works` is false.

#pragma once

#include <stdbool.h>

/// Whether allocations are counted on this system.
bool allocation_counter_works(void);

/// The number of allocations and reallocations of the whole process so far.
long allocation_count(void);
