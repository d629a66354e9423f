/* What training does for models that shall be small: pruned weights stay 0, layers see weights as 8 bits hold them. */
#ifndef TG_LEAN_H
#define TG_LEAN_H

#include "model.h"

/* See tg_model_set_mask. */
tg_status tg_model_mask(tg_model *model, const uint8_t *mask);
/* Makes 0 what is pruned of a vector that is as long as the trainable weights. */
void tg_prune(const tg_model *model, tg_real *vector);

/* Whether layers see some of the weights otherwise than training keeps them. */
int tg_sees_rounded(const tg_graph *graph);
/* Brings what they see up to date, where that is so. */
void tg_show_weights(tg_model *model);

#endif
