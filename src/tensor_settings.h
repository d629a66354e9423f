/*
 * What a layer may say of one of its tensors beyond the initialiser's number: the initialiser's arguments, penalties
 * and constraints. tg_model_add takes them as attributes "kernel/l2", for every op alike.
 */
#ifndef TG_TENSOR_SETTINGS_H
#define TG_TENSOR_SETTINGS_H

typedef enum {
  TG_SET_MEAN,   /* of the normal initialisers, with */
  TG_SET_STDDEV, /* standard deviation */
  TG_SET_MINVAL, /* of randomUniform, to */
  TG_SET_MAXVAL,
  TG_SET_VALUE,        /* of constant */
  TG_SET_GAIN,         /* of orthogonal and identity */
  TG_SET_SCALE,        /* of varianceScaling, with */
  TG_SET_MODE,         /* fan in 0, fan out 1, their mean 2 */
  TG_SET_DISTRIBUTION, /* truncated normal 0, normal 1, uniform 2 */
  TG_SET_L1,           /* penalty on |w| */
  TG_SET_L2,           /* and on w^2 */
  TG_SET_CONSTRAINT,   /* after each update: a tg_constraint */
  TG_SET_MIN_VALUE,    /* of lengths, to */
  TG_SET_MAX_VALUE,
  TG_SET_RATE, /* of the way there a step */
  TG_SET_AXES, /* bit d: lengths run along axis d; bit 4 + d: along axis -1 - d, until the shape is known */
  TG_SET_INT8, /* 1: layers see the tensor as 8 bits hold it, a scale for each column of the last axis (lean.h) */
  TG_SET_COUNT
} tg_tensor_setting;

typedef enum { TG_FREE, TG_POSITIVE, TG_NORMS, TG_CONSTRAINT_COUNT } tg_constraint;

#endif
