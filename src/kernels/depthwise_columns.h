/*
 * Tiles of depthwise_three.c: some rows of one column of the result, over all channels of a block. The rows of x that
 * they see are unrolled, so that each row of the image is read by load instructions of its own, number after number:
 * that is what hardware fetches ahead.
 */
#ifndef TG_KERNELS_DEPTHWISE_COLUMNS_H
#define TG_KERNELS_DEPTHWISE_COLUMNS_H

#include "kernels/depthwise_three.h"

/* Rows of the result that a tile gives: with strides of 1 and of 2, and back to a stride of 2. The ring holds three
 * columns of the rows that they see, each of at most so many channels: rows of x are a multiple of 4 KB apart more
 * often than not, and so share few sets of the first-level cache. With strides of 2 columns of few channels find room
 * there as they are. */
enum {
  TG_ROWS_ONE = 7,
  TG_ROWS_TWO = 4,
  TG_ROWS_BACK = 8,
  TG_RING_ROWS = 9,
  TG_RING_CHANNELS = 1024,
  TG_FEW_CHANNELS = 384,
  TG_RING_ROW = TG_RING_CHANNELS + 16,
  TG_RING_COLUMN = TG_RING_ROWS * TG_RING_ROW
};

/* What four channels of a block have: weights, or their gradient, where results begin, and what they are at least. */
enum { TG_TAPS = TG_THREE * TG_THREE, TG_START = 4 * TG_TAPS, TG_LEAST = TG_START + 4, TG_TAPS_STEP = TG_LEAST + 4 };

/* A column of x from the tile's first row that is inside, and its place in the ring. */
typedef struct {
  const tg_real *from;
  size_t line; /* reals from row to row */
  tg_real *ring;
} tg_column;

typedef struct {
  tg_column columns[TG_THREE]; /* from left to right; back to a stride of 2 the first two count */
  size_t to_line, to_step;     /* reals from row to row and, back, from column to column */
  size_t channels;             /* a multiple of four */
  tg_real *taps;
  uint32_t first, end;       /* rows of x that are inside, of those that the tile sees; back: of all 5 */
  uint32_t rows;             /* of the result */
  int ends[2];               /* gather: whether the last but one and the last row of x begin results that end outside */
  int skip_row, skip_column; /* back: whether the first ones are no part of the result */
  uint32_t columns_end;      /* and how many columns there are with it */
} tg_column_tile;

/* What the tile sees of a column to the ring. Those of strides of 2 that are not `wide` need none. */
void tg_columns_read(const tg_column_tile *t, const tg_column *c, size_t channels);
void tg_columns_gather_one(tg_real *to, const tg_column_tile *t);
void tg_columns_gather_two(tg_real *to, const tg_column_tile *t);
void tg_columns_gather_two_wide(tg_real *to, const tg_column_tile *t);
void tg_columns_back(tg_real *to, const tg_column_tile *t);
void tg_columns_back_wide(tg_real *to, const tg_column_tile *t);
/* The taps += the products with all rows of dy that a tile has. */
void tg_columns_add_one(tg_real *dy, const tg_column_tile *t);
void tg_columns_add_two(tg_real *dy, const tg_column_tile *t);
void tg_columns_add_two_wide(tg_real *dy, const tg_column_tile *t);

#endif
