/*
 * Rows of depthwise_three.c: sixteen channels of a part of a row, from a frame in the first-level cache. Apart from
 * what leads there, which runs once a row and is compiled to be small.
 */
#ifndef TG_KERNELS_DEPTHWISE_ROWS_H
#define TG_KERNELS_DEPTHWISE_ROWS_H

#include "kernels/depthwise_three.h"

/* Channels of a cache line; columns of the frame, whose three rows take 12 KB; results of a tile. */
enum {
  TG_LINE = 16,
  TG_FRAME_COLUMNS = 64,
  TG_FRAME_ROW = TG_FRAME_COLUMNS * TG_LINE,
  TG_DEPTHWISE_TILE = 8,
  TG_DEPTHWISE_SHORT_TILE = 7
};

/* Sixteen channels of what is at work. */
typedef struct {
  tg_real rows[TG_THREE][TG_FRAME_ROW];
  tg_real taps[TG_THREE * TG_THREE][TG_LINE]; /* weights, or their gradient */
  tg_real tail[4 * TG_DEPTHWISE_TILE];        /* results that are no whole tile */
  tg_real bias[TG_LINE], least[4];            /* where sums begin, and what results are at least */
  const tg_real *at[TG_THREE];                /* the rows that the result's row sees, from top to bottom */
  uint32_t slot;                              /* where the first of them is; the others follow in a ring */
  int64_t next;                               /* the first row that was not copied yet */
} tg_frame;

/* `columns` of the result. The frame has `read` columns, from one on that may be outside of the image; first…end-1 are
 * inside. */
typedef struct {
  size_t channel, channels;
  uint32_t rows;         /* of the kernel, or that meet a row of the result */
  uint32_t stride, tile; /* stride 2 has short tiles alone */
  uint32_t column, columns, read, first, end;
  size_t from; /* reals of a row before the first column that is inside */
  int skip;    /* scatter: the frame begins one column of the result too early */
} tg_part;

/* A row of the result, or of dy. */
typedef void (*tg_line_task)(tg_real *to, size_t to_step, tg_frame *f, const tg_part *p);

/* Results of three columns, in tiles. */
void tg_three_gather_line(tg_real *to, size_t to_step, tg_frame *f, const tg_part *p);
/* Back to a stride of 2, from one row or from two. */
void tg_three_scatter_line_one(tg_real *to, size_t to_step, tg_frame *f, const tg_part *p);
void tg_three_scatter_line_two(tg_real *to, size_t to_step, tg_frame *f, const tg_part *p);
/* The frame's taps += its rows times dy. */
void tg_three_add_line(tg_real *dy, size_t dy_step, tg_frame *f, const tg_part *p);

/* The part's channels of a row of the image to a row of the frame, whose columns outside are 0 already. */
void tg_three_copy_row(tg_real *to, const tg_three *t, const tg_part *p, int64_t row);

#endif
