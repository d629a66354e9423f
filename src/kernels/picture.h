/* Pictures seen through a map, as augmentation changes them: moved, turned, in other colours, mixed. One call does one
 * picture, NHWC. */
#ifndef TG_KERNELS_PICTURE_H
#define TG_KERNELS_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"
#include "tabgrad.h"

typedef struct {
  const uint8_t *bytes; /* (height, width, channels), of which three more may be read; or NULL, then floats */
  const float *floats;
  uint32_t height, width, channels;
  uint32_t out_height, out_width;
  const tg_real *scale, *offset; /* (channels), three more may be read; both NULL: numbers stay as they are */
  tg_fill fill;                  /* what lies beyond the picture */
  double fill_value;             /* before scale and offset */
  int nearest;                   /* one pixel for each, else between four */
  double row[3], column[3];      /* pixel (y, x) is the one at row[0] y + row[1] x + row[2], column[0] y + … */
} tg_picture;

/* y (out_height, out_width, channels) = what is seen, scaled. */
void tg_draw_picture(tg_real *y, const tg_picture *p);
/* 1 when it only moves and mirrors whole pixels; its numbers are then whole. */
int tg_picture_moves(tg_picture *p);
/* Where whole pixels are moved: the same, without arithmetic on pixels. */
void tg_move_picture(tg_real *y, const tg_picture *p);

/* Contrast around the mean of each channel, then brightness, then the ends of a range; all in the picture's own numbers
 * although y is scaled. */
typedef struct {
  double contrast, brightness, low, high;
} tg_colors;
void tg_change_colors(tg_real *y, size_t pixels, uint32_t channels, const tg_real *scale, const tg_real *offset,
                      const tg_colors *colors);

/* y (n) = share * y + (1 - share) * other. */
void tg_mix_pictures(tg_real *y, const tg_real *other, tg_real share, size_t n);

#endif
