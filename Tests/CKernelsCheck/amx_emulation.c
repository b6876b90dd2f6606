// Emulates the instructions of AMX that the kernels use, as Intel's Architectures Software Developer's Manual,
// volume 2, defines LDTILECFG, TILELOADD, TILESTORED, TILEZERO and TDPBF16PS, and compiles the kernels of
// AVX-512 with them: the products on tiles are checked on machines that have none.
//
// What would raise an exception ends the program.

#if defined(__x86_64__)

#include "amx.h"

#include "../../Sources/CKernels/internal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int rows, row_bytes;  // zero: not configured
  uint8_t data[16][64];
} emulated_tile;

static _Thread_local emulated_tile tiles[8];
static _Thread_local bool is_configured;
static atomic_int configurations;
static atomic_bool is_broken;

static void require(bool condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "emulated AMX: %s\n", what);
  abort();
}

static emulated_tile *tile_number(int t) {
  require(is_configured && t >= 0 && t < 8 && tiles[t].rows > 0, "a tile that is not configured");
  return &tiles[t];
}

static void emulate_release(void) {
  if (is_configured) atomic_fetch_sub(&configurations, 1);
  is_configured = false;
  memset(tiles, 0, sizeof tiles);
}

static void emulate_configure(const void *configuration) {
  uint8_t bytes[64];
  memcpy(bytes, configuration, sizeof bytes);
  require(bytes[0] == 1 && bytes[1] == 0, "palette 1, from row 0");
  for (int i = 2; i < 64; i++) {
    bool is_reserved = i < 16 || (i >= 32 && i < 48) || i >= 56;
    require(!is_reserved || bytes[i] == 0, "reserved bytes");
  }
  emulate_release();
  for (int t = 0; t < 8; t++) {
    uint16_t row_bytes;
    memcpy(&row_bytes, bytes + 16 + 2 * t, sizeof row_bytes);
    int rows = bytes[48 + t];
    require(rows <= 16 && row_bytes <= 64 && (rows == 0) == (row_bytes == 0), "the shape of a tile");
    tiles[t].rows = rows;
    tiles[t].row_bytes = row_bytes;
  }
  is_configured = true;
  atomic_fetch_add(&configurations, 1);
}

static void emulate_zero(int t) { memset(tile_number(t)->data, 0, sizeof tiles[t].data); }

static void emulate_load(int t, const void *base, ptrdiff_t stride) {
  emulate_zero(t);
  for (int m = 0; m < tiles[t].rows; m++) {
    memcpy(tiles[t].data[m], (const uint8_t *)base + m * stride, (size_t)tiles[t].row_bytes);
  }
}

static void emulate_store(int t, void *base, ptrdiff_t stride) {
  const emulated_tile *tile = tile_number(t);
  for (int m = 0; m < tile->rows; m++) {
    memcpy((uint8_t *)base + m * stride, tile->data[m], (size_t)tile->row_bytes);
  }
}

/// Denormal numbers, as operands and as results, count as zero of their sign.
static float flushed(float x) { return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0, x) : x; }

static float widened(const uint8_t *bytes) {
  uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 24;
  float x;
  memcpy(&x, &bits, sizeof x);
  return flushed(x);
}

/// Even and odd numbers of the pairs are summed apart, by fused multiply-adds, and then added to the tile.
__attribute__((target("fma"))) static void emulate_dot(int c, int a, int b) {
  emulated_tile *sums = tile_number(c);
  const emulated_tile *left = tile_number(a), *right = tile_number(b);
  require(a != b && a != c && b != c, "an operand named twice");
  require(sums->rows == left->rows && sums->row_bytes == right->row_bytes, "shapes");
  require(left->row_bytes == 4 * right->rows && sums->row_bytes % 4 == 0, "shapes");
  int columns = sums->row_bytes / 4, pairs = left->row_bytes / 4 - (is_broken ? 1 : 0);
  for (int m = 0; m < sums->rows; m++) {
    float even[16] = {0}, odd[16] = {0};
    for (int p = 0; p < pairs; p++) {
      const uint8_t *one = left->data[m] + 4 * p;
      for (int n = 0; n < columns; n++) {
        const uint8_t *two = right->data[p] + 4 * n;
        even[n] = flushed(__builtin_fmaf(widened(one), widened(two), even[n]));
        odd[n] = flushed(__builtin_fmaf(widened(one + 2), widened(two + 2), odd[n]));
      }
    }
    for (int n = 0; n < columns; n++) {
      float sum;
      memcpy(&sum, sums->data[m] + 4 * n, sizeof sum);
      sum = flushed(flushed(sum) + flushed(even[n] + odd[n]));
      memcpy(sums->data[m] + 4 * n, &sum, sizeof sum);
    }
  }
}

void break_emulated_tiles(bool broken) { is_broken = broken; }
int emulated_configurations(void) { return configurations; }

#define tile_configure emulate_configure
#define tile_release emulate_release
#define tile_zero emulate_zero
#define tile_load emulate_load
#define tile_store emulate_store
#define tile_dot emulate_dot

#define ck_kernels_avx512 emulated_kernels
#define ck_tiles_agree emulated_tiles_agree
#define ck_has_amx() true

#include "../../Sources/CKernels/avx512.c"

#endif
