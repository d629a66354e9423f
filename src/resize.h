/* Pictures of a data set in another size. See tg_dataset_resize in tabgrad.h. */
#ifndef TG_RESIZE_H
#define TG_RESIZE_H

#include "data.h"

tg_status tg_data_resize(tg_engine *engine, tg_dataset *to, double to_first, const tg_dataset *from, double from_first,
                         double count, tg_resize method);

#endif
