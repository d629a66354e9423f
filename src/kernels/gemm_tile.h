/*
 * The micro-kernel behind every matrix product: a tile of 4 rows x 8 columns of C kept in eight accumulators, to which
 * outer products of a column of A (four splat loads) and a row of B (two vector loads) are added.
 *
 * 4x8 and not larger, because x86 engines have 16 vector registers: 8 accumulators, 2 of B, 1 splat and 1 product fit,
 * 6x8 spills without the fused instruction of relaxed SIMD.
 *
 * Every element of C is one chain: start (bias, zero or what C held) + a[0]*b[0] + a[1]*b[1] + …, in this order.
 * Leaving an accumulator in memory between two parts of the chain changes nothing, so blocking, tiles and threads
 * never change a bit.
 */
#ifndef TG_KERNELS_GEMM_TILE_H
#define TG_KERNELS_GEMM_TILE_H

#include "kernels/simd.h"

enum { TG_TILE_ROWS = 4, TG_TILE_COLUMNS = 8 };

typedef struct {
  tg_v4 r0c0, r0c4, r1c0, r1c4, r2c0, r2c4, r3c0, r3c4;
} tg_tile;

/* One step of the chain: every element += a of its row * b (8) of its column. */
TG_INLINE void tg_tile_step(tg_tile *t, const tg_real *a0, const tg_real *a1, const tg_real *a2, const tg_real *a3,
                            const tg_real *b) {
  tg_v4 b0 = tg_v4_load(b);
  tg_v4 b4 = tg_v4_load(b + 4);
  tg_v4 a = tg_v4_load_splat(a0);
  t->r0c0 = tg_v4_madd(a, b0, t->r0c0);
  t->r0c4 = tg_v4_madd(a, b4, t->r0c4);
  a = tg_v4_load_splat(a1);
  t->r1c0 = tg_v4_madd(a, b0, t->r1c0);
  t->r1c4 = tg_v4_madd(a, b4, t->r1c4);
  a = tg_v4_load_splat(a2);
  t->r2c0 = tg_v4_madd(a, b0, t->r2c0);
  t->r2c4 = tg_v4_madd(a, b4, t->r2c4);
  a = tg_v4_load_splat(a3);
  t->r3c0 = tg_v4_madd(a, b0, t->r3c0);
  t->r3c4 = tg_v4_madd(a, b4, t->r3c4);
}

/*
 * The loops below must stay as they are, one step a turn. Unrolled, LLVM's WebAssembly back end folds the steps into
 * one long expression an accumulator, so that the loads of all of them are alive together: engines run out of registers
 * and a third of the speed is gone (37 instead of 57 GFLOP/s in Node 20). The few instructions saved would be free
 * anyway.
 */
#ifdef __clang__
#define TG_NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define TG_NO_UNROLL
#endif

/* The tile += A (4 rows at a[0…3], each `count` contiguous) @ B (count, 8) packed. */
TG_INLINE void tg_tile_rows(tg_tile *t, const tg_real *const a[4], const tg_real *b, size_t count) {
  const tg_real *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  TG_NO_UNROLL
  for (; count; count--) {
    tg_tile_step(t, a0++, a1++, a2++, a3++, b);
    b += 8;
  }
}

/* The tile += the same with A and B read down their columns: row r of A at a[r], a[r] + a_step, …; B's rows b_step
 * apart. */
TG_INLINE void tg_tile_columns(tg_tile *t, const tg_real *const a[4], size_t a_step, const tg_real *b, size_t b_step,
                               size_t count) {
  const tg_real *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  TG_NO_UNROLL
  for (; count; count--) {
    tg_tile_step(t, a0, a1, a2, a3, b);
    a0 += a_step;
    a1 += a_step;
    a2 += a_step;
    a3 += a_step;
    b += b_step;
  }
}

/* The same where the four rows are neighbours in memory (a, a + 1, a + 2, a + 3): one pointer to move instead of four.
 */
TG_INLINE void tg_tile_columns_adjacent(tg_tile *t, const tg_real *a, size_t a_step, const tg_real *b, size_t b_step,
                                        size_t count) {
  TG_NO_UNROLL
  for (; count; count--) {
    tg_tile_step(t, a, a + 1, a + 2, a + 3, b);
    a += a_step;
    b += b_step;
  }
}

/* The tile as one row of four panels: its rows hold the panels' columns. The row a (count) @ B, `panel_step` from panel
 * to panel, b_step from row to row; as many chains as four rows of one panel have, where there is only one row. */
TG_INLINE void tg_tile_one_row(tg_tile *t, const tg_real *a, const tg_real *b, size_t panel_step, size_t b_step,
                               size_t count) {
  const tg_real *b0 = b, *b1 = b + panel_step, *b2 = b + 2 * panel_step, *b3 = b + 3 * panel_step;
  TG_NO_UNROLL
  for (; count; count--) {
    const tg_v4 v = tg_v4_load_splat(a++);
    t->r0c0 = tg_v4_madd(v, tg_v4_load(b0), t->r0c0);
    t->r0c4 = tg_v4_madd(v, tg_v4_load(b0 + 4), t->r0c4);
    t->r1c0 = tg_v4_madd(v, tg_v4_load(b1), t->r1c0);
    t->r1c4 = tg_v4_madd(v, tg_v4_load(b1 + 4), t->r1c4);
    t->r2c0 = tg_v4_madd(v, tg_v4_load(b2), t->r2c0);
    t->r2c4 = tg_v4_madd(v, tg_v4_load(b2 + 4), t->r2c4);
    t->r3c0 = tg_v4_madd(v, tg_v4_load(b3), t->r3c0);
    t->r3c4 = tg_v4_madd(v, tg_v4_load(b3 + 4), t->r3c4);
    b0 += b_step;
    b1 += b_step;
    b2 += b_step;
    b3 += b_step;
  }
}

/* Every row of the tile = start (8). */
TG_INLINE tg_tile tg_tile_start(tg_v4 c0, tg_v4 c4) { return (tg_tile){c0, c4, c0, c4, c0, c4, c0, c4}; }

TG_INLINE void tg_tile_load_row(tg_v4 *c0, tg_v4 *c4, const tg_real *c, size_t columns) {
  if (columns == 8) {
    *c0 = tg_v4_load(c);
    *c4 = tg_v4_load(c + 4);
  } else {
    *c0 = tg_v4_load_part(c, columns, 0);
    *c4 = columns > 4 ? tg_v4_load_part(c + 4, columns - 4, 0) : tg_v4_zero();
  }
}

/* The first `columns` (1…8) of bias, or zeros when there is none. */
TG_INLINE tg_tile tg_tile_start_bias(const tg_real *bias, size_t columns) {
  tg_v4 c0 = tg_v4_zero(), c4 = tg_v4_zero();
  if (bias) tg_tile_load_row(&c0, &c4, bias, columns);
  return tg_tile_start(c0, c4);
}

/* The tile as it stands in memory: rows at c[0…3], `columns` (1…8) of each. */
TG_INLINE tg_tile tg_tile_load(tg_real *const c[4], size_t columns) {
  tg_tile t;
  tg_tile_load_row(&t.r0c0, &t.r0c4, c[0], columns);
  tg_tile_load_row(&t.r1c0, &t.r1c4, c[1], columns);
  tg_tile_load_row(&t.r2c0, &t.r2c4, c[2], columns);
  tg_tile_load_row(&t.r3c0, &t.r3c4, c[3], columns);
  return t;
}

TG_INLINE void tg_tile_store_row(tg_real *c, tg_v4 c0, tg_v4 c4, size_t columns) {
  if (columns == 8) {
    tg_v4_store(c, c0);
    tg_v4_store(c + 4, c4);
  } else {
    tg_v4_store_part(c, c0, columns);
    if (columns > 4) tg_v4_store_part(c + 4, c4, columns - 4);
  }
}

/* max(0, ·) of all elements; x stands first, so NaN stays NaN. */
TG_INLINE void tg_tile_relu(tg_tile *t) {
  tg_v4 zero = tg_v4_zero();
  *t =
      (tg_tile){tg_v4_max(t->r0c0, zero), tg_v4_max(t->r0c4, zero), tg_v4_max(t->r1c0, zero), tg_v4_max(t->r1c4, zero),
                tg_v4_max(t->r2c0, zero), tg_v4_max(t->r2c4, zero), tg_v4_max(t->r3c0, zero), tg_v4_max(t->r3c4, zero)};
}

/* Writes the first `rows` (1…4) rows, `columns` (1…8) of each. */
TG_INLINE void tg_tile_store(tg_real *const c[4], const tg_tile *t, size_t rows, size_t columns) {
  tg_tile_store_row(c[0], t->r0c0, t->r0c4, columns);
  if (rows > 1) tg_tile_store_row(c[1], t->r1c0, t->r1c4, columns);
  if (rows > 2) tg_tile_store_row(c[2], t->r2c0, t->r2c4, columns);
  if (rows > 3) tg_tile_store_row(c[3], t->r3c0, t->r3c4, columns);
}

/* panel (rows, 8) from b (rows, columns ≤ 8 valid, row_step apart), zeros behind. */
TG_INLINE void tg_pack_panel(tg_real *panel, const tg_real *b, size_t rows, size_t columns, size_t row_step) {
  for (size_t k = 0; k < rows; k++, b += row_step, panel += 8) {
    if (columns == 8) {
      tg_v4_store(panel, tg_v4_load(b));
      tg_v4_store(panel + 4, tg_v4_load(b + 4));
    } else {
      tg_v4_store(panel, tg_v4_load_part(b, columns, 0));
      tg_v4_store(panel + 4, columns > 4 ? tg_v4_load_part(b + 4, columns - 4, 0) : tg_v4_zero());
    }
  }
}

/* panel (rows, 8) from bt (columns ≤ 8 valid, rows), its rows row_step apart, zeros behind. */
TG_INLINE void tg_pack_panel_transposed(tg_real *panel, const tg_real *bt, size_t rows, size_t columns,
                                        size_t row_step) {
  size_t k = 0;
  if (columns == 8) {
    for (; k + 4 <= rows; k += 4) {
      for (size_t half = 0; half < 8; half += 4) {
        const tg_real *from = bt + half * row_step + k;
        tg_real *to = panel + k * 8 + half;
        tg_v4 v0 = tg_v4_load(from), v1 = tg_v4_load(from + row_step);
        tg_v4 v2 = tg_v4_load(from + 2 * row_step), v3 = tg_v4_load(from + 3 * row_step);
        tg_v4_transpose(&v0, &v1, &v2, &v3);
        tg_v4_store(to, v0);
        tg_v4_store(to + 8, v1);
        tg_v4_store(to + 16, v2);
        tg_v4_store(to + 24, v3);
      }
    }
  }
  for (; k < rows; k++) {
    for (size_t j = 0; j < 8; j++) panel[k * 8 + j] = j < columns ? bt[j * row_step + k] : 0;
  }
}

#endif
