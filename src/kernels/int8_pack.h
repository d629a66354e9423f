/* How the packed weights of int8.h lie, for those who write and those who read them. */
#ifndef TG_KERNELS_INT8_PACK_H
#define TG_KERNELS_INT8_PACK_H

#include "kernels/int8_tile.h"
#include "kernels/winograd_tile.h"

/* Pairs in one row of the kernel. Where its inputs are an odd number the last pair has a weight of zero. */
TG_INLINE size_t tg_int8_pairs(const tg_conv2d_shape *s) { return ((size_t)s->kernel_w * s->in_c + 1) / 2; }

/* Channels with those that fill the last eight. */
TG_INLINE size_t tg_int8_width(uint32_t channels) { return tg_round_up(channels, TG_TILE_COLUMNS); }

/* Elements of the packed weights of one position. */
TG_INLINE size_t tg_int8_winograd_plane(const tg_winograd *g) {
  return tg_winograd_plane(tg_int8_width(g->s.in_c), tg_int8_width(g->s.out_c));
}

#endif
