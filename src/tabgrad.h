/*
 * tabgrad.h: the one public header of the engine, and its manual.
 *
 * JavaScript describes a model node by node (tg_model_add), the engine checks it, infers every shape and
 * initialises the weights (tg_model_build), chooses a loss and an optimizer (tg_model_compile), and then trains it,
 * one call for a slice of whole steps (tg_train_begin, tg_train_steps). Memory is decided when a plan is made;
 * a step allocates nothing.
 *
 * Conventions
 *   - Activations are NHWC, convolution weights HWIO, dense weights [in, out], all 32-bit floats (`tg_real`).
 *   - Numbers that a person chose arrive as `double`, so that NaN, fractions, negative and huge values reach the
 *     check that names them. Sizes are checked in 64 bits before anything is allocated.
 *   - A function that returns tg_status leaves model, weights and engine as they were unless it returns TG_OK;
 *     a function that returns a pointer returns NULL on failure. tg_last_status and tg_last_error then tell what,
 *     where (layer and field) and both numbers. No input aborts or traps the module.
 *   - A pointer that is not a live object of its engine gives TG_E_DISPOSED; it is never followed.
 *   - Views of engine memory that the host holds are stale after any call: memory may have grown.
 *   - One engine is used by one thread at a time (the engine's own pool is inside).
 *
 * The bindings web/lib/ffi.js and the linker's export list are generated from the TG_EXPORT lines below.
 */
#ifndef TABGRAD_H
#define TABGRAD_H

#include <stdint.h>

#include "real.h"

#define TG_EXPORT extern

/** Why a call failed. JavaScript gives each its error class; the names there have no TG_ prefix. */
typedef enum {
  TG_OK = 0,
  TG_E_CONFIG = 1,       /* an option is missing, unknown, not whole, or out of its range */
  TG_E_SHAPE = 2,        /* two shapes do not fit each other */
  TG_E_LIMIT = 3,        /* larger than the engine can address, refused before allocation */
  TG_E_GRAPH = 4,        /* the nodes do not form a graph that can run */
  TG_E_LABEL_RANGE = 5,  /* a label is not a class of the model */
  TG_E_NON_FINITE = 6,   /* NaN or infinity in data, loss, gradients or weights */
  TG_E_HYPERPARAM = 7,   /* a learning rate, momentum … outside its range */
  TG_E_EMPTY = 8,        /* no samples */
  TG_E_STATE = 9,        /* the call does not fit what was called before */
  TG_E_DISPOSED = 10,    /* the object was destroyed, or never was one */
  TG_E_OOM = 11,         /* memory could not be had; the text names the bytes */
  TG_E_INDEX_RANGE = 12, /* a number that a layer looks up is none of its rows */
  TG_E_REST = 13         /* what was asked for is in the engine's second file: see tg_load_rest */
} tg_status;

/** How samples are stored in a data set. */
typedef enum {
  TG_SAMPLES_U8 = 0,  /* pixels 0…255, one byte each, normalised when a batch is gathered */
  TG_SAMPLES_F32 = 1, /* floats, used as they are unless a normalisation is set */
  TG_SAMPLES_NONE = 2 /* labels alone: the part of a data set for an output beyond the inputs */
} tg_sample_type;

/** How labels are stored in a data set. */
typedef enum {
  TG_LABELS_NONE = 0,  /* no labels: only tg_predict */
  TG_LABELS_CLASS = 1, /* one int32 class index a sample */
  TG_LABELS_VALUES = 2 /* label_size floats a sample: one-hot rows, probabilities or regression targets */
} tg_label_type;

/** How a picture is made of another size; see tg_dataset_resize. */
typedef enum {
  TG_RESIZE_NEAREST = 0,
  TG_RESIZE_BILINEAR = 1, /* between the two nearest cells, however much smaller the picture becomes */
  TG_RESIZE_ANTIALIAS = 2 /* bilinear, where the picture becomes smaller over all cells that come together */
} tg_resize;

/**
 * What augmentation does to a picture of a training batch. A list of it is rows of eight numbers: one of these, then
 * its own. A range is two numbers, ends included; each sample draws its own in each epoch.
 */
typedef enum {
  TG_AUGMENT_FLIP = 0,        /* horizontal, vertical (flags), alternate (flag: an epoch flips what the last did not) */
  TG_AUGMENT_CROP = 1,        /* height, width (0: as they are), padding above and below, padding left and right */
  TG_AUGMENT_ROTATION = 2,    /* range of turns, counter-clockwise */
  TG_AUGMENT_TRANSLATION = 3, /* ranges of shares of the height, down, and of the width, to the right */
  TG_AUGMENT_SHEAR = 4,       /* ranges of x by y, of y by x, and of degrees (ImageDataGenerator's) */
  TG_AUGMENT_ZOOM = 5,        /* ranges of height and width, above 0 outwards; flag: the width goes by the height */
  TG_AUGMENT_BRIGHTNESS = 6,  /* range of shares of the values' range; its ends, NaN: 0 and 255, of bytes alone */
  TG_AUGMENT_CONTRAST = 7,    /* how far the factor goes below and above 1; ends of the values' range, as above */
  TG_AUGMENT_CUTOUT = 8,      /* height, width, rectangles, what fills them (NaN: 0 after normalisation) */
  TG_AUGMENT_MIXUP = 9,       /* alpha of Beta(alpha, alpha) */
  TG_AUGMENT_FILL = 10        /* of all that move: tg_fill, value of TG_FILL_CONSTANT (NaN: 0), flag: nearest pixel */
} tg_augmentation;

/** Numbers of a row of an augmentation. */
enum { TG_AUGMENT_NUMBERS = 8 };

/** What lies beyond the edges of a picture a b c d that is moved, turned or made smaller. */
typedef enum {
  TG_FILL_CONSTANT = 0, /* k k k | a b c d | k k k */
  TG_FILL_NEAREST = 1,  /* a a a | a b c d | d d d */
  TG_FILL_REFLECT = 2,  /* c b a | a b c d | d c b */
  TG_FILL_WRAP = 3,     /* b c d | a b c d | a b c */
  TG_FILL_MIRROR = 4    /* d c b | a b c d | c b a */
} tg_fill;

/** The loss a model is compiled with. Definitions, defaults and clipping follow Keras 3; options have names. */
typedef enum {
  TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY = 0, /* class labels; labelSmoothing 0 */
  TG_LOSS_CATEGORICAL_CROSSENTROPY = 1,        /* value labels, one row of probabilities a sample; labelSmoothing 0 */
  TG_LOSS_BINARY_CROSSENTROPY = 2,             /* class labels 0/1 (one output) or value labels; labelSmoothing 0 */
  TG_LOSS_MEAN_SQUARED_ERROR = 3,              /* value labels, or class labels with one output; so those below */
  TG_LOSS_MEAN_ABSOLUTE_ERROR = 4,
  TG_LOSS_HUBER = 5, /* delta 1, smoothL1 0 */
  TG_LOSS_LOG_COSH = 6,
  TG_LOSS_MEAN_SQUARED_LOGARITHMIC_ERROR = 7,
  TG_LOSS_POISSON = 8,
  TG_LOSS_KL_DIVERGENCE = 9,                  /* value labels */
  TG_LOSS_COSINE_SIMILARITY = 10,             /* value labels */
  TG_LOSS_HINGE = 11,                         /* labels -1/1 or 0/1 */
  TG_LOSS_SQUARED_HINGE = 12,                 /* the same */
  TG_LOSS_CATEGORICAL_HINGE = 13,             /* value labels */
  TG_LOSS_BINARY_FOCAL_CROSSENTROPY = 14,     /* alpha 0.25, gamma 2, applyClassBalancing 0, labelSmoothing 0 */
  TG_LOSS_CATEGORICAL_FOCAL_CROSSENTROPY = 15 /* value labels; alpha 0.25, gamma 2, labelSmoothing 0 */
} tg_loss;

/** The update rule, a row of src/optim/rules.inc. Formulas and defaults follow Keras 3. */
typedef enum {
  TG_OPTIMIZER_SGD = 0,
  TG_OPTIMIZER_ADAM = 1,
  TG_OPTIMIZER_ADAMW = 2,
  TG_OPTIMIZER_ADAMAX = 3,
  TG_OPTIMIZER_NADAM = 4,
  TG_OPTIMIZER_ADAGRAD = 5,
  TG_OPTIMIZER_RMSPROP = 6,
  TG_OPTIMIZER_ADADELTA = 7,
  TG_OPTIMIZER_LION = 8,
  TG_OPTIMIZER_ADAFACTOR = 9,
  TG_OPTIMIZER_MUON = 10
} tg_optimizer;

/**
 * A flat vector of a model: every tensor is an offset and a shape in it. Tensors that no gradient changes (moving
 * averages) come behind all trainable ones; the weights have TG_MODEL_PARAMETERS floats, gradients only the
 * TG_MODEL_TRAINABLE first, a slot what tg_model_describe_slot tells.
 */
typedef enum {
  TG_VECTOR_WEIGHTS = 0,
  TG_VECTOR_GRADIENTS = 1, /* of the mean loss, as the last training step used them: averaged and clipped */
  TG_VECTOR_SLOT0 = 2,     /* optimizer state; see tg_model_describe_slot */
  TG_VECTOR_SLOT1 = 3,
  TG_VECTOR_SLOT2 = 4,
  TG_VECTOR_SLOT3 = 5, /* gradients gathered */
  TG_VECTOR_SLOT4 = 6, /* moving average of the weights */
  TG_VECTOR_SLOT5 = 7  /* slow weights of Lookahead */
} tg_vector;

/** What tg_engine_info tells. */
typedef enum {
  TG_INFO_THREADS = 0,          /* threads that work, the caller included */
  TG_INFO_RELAXED_SIMD = 1,     /* 1 in the relaxed build, else 0 */
  TG_INFO_LIVE_BYTES = 2,       /* bytes the engine holds now */
  TG_INFO_PEAK_BYTES = 3,       /* the most it ever held */
  TG_INFO_LIVE_ALLOCATIONS = 4, /* blocks it holds now */
  TG_INFO_ALLOCATIONS = 5,      /* blocks it ever asked for; a step leaves this number alone */
  TG_INFO_DATASET_BYTES = 6     /* the part of the live bytes that is data sets */
} tg_info;

/** What tg_model_info tells. */
typedef enum {
  TG_MODEL_NODES = 0,
  TG_MODEL_TENSORS = 1,
  TG_MODEL_PARAMETERS = 2,      /* floats in the weight vector, moving averages included */
  TG_MODEL_TRAINABLE = 3,       /* floats that training changes by their gradients: the first of the weight vector */
  TG_MODEL_STEP = 4,            /* training steps done since the weights were made; drives Adam and dropout */
  TG_MODEL_TRAINING_BYTES = 5,  /* arena of the training plan now held, 0 before the first */
  TG_MODEL_INFERENCE_BYTES = 6, /* arena of the inference plan now held, 0 before the first */
  TG_MODEL_OUTPUT_SIZE = 7,     /* floats a sample that tg_predict writes */
  TG_MODEL_SEED = 8,
  TG_MODEL_ACCURACY_WEIGHT = 9 /* by which the last sum of accuracies becomes a mean: samples, or their weights */
} tg_model_field;

/** What an array of a plan holds; see tg_model_describe_plan. */
typedef enum {
  TG_ARRAY_VALUE = 0,         /* a layer's output, for all samples of the batch */
  TG_ARRAY_GRADIENT = 1,      /* of that output */
  TG_ARRAY_GRADIENT_PART = 2, /* one reader's share of a gradient that has several */
  TG_ARRAY_SAVED = 3,         /* what the forward pass leaves for the backward pass */
  TG_ARRAY_SCRATCH_FORWARD = 4,
  TG_ARRAY_SCRATCH_BACKWARD = 5,
  TG_ARRAY_PACKED = 6,  /* the weights in the order that the forward pass reads */
  TG_ARRAY_STORED = 7,  /* a value in 16 bits, between the passes */
  TG_ARRAY_RESTORED = 8 /* the value made of that again, for the backward pass */
} tg_array_kind;

/** Gradients of what tg_model_inspect computes, when it is not a node. */
typedef enum {
  TG_SOURCE_NONE = -1, /* of nothing: only values are wanted */
  TG_SOURCE_LOSS = -2  /* of the mean loss of the samples */
} tg_source;

/** How tg_model_inspect works: flags. */
typedef enum {
  TG_INSPECT_TRAINING = 1, /* dropout drops, batch normalisation takes the batch's statistics; else as in predictions */
  TG_INSPECT_WEIGHTS = 2   /* the gradient of the weights is wanted too */
} tg_inspect_flag;

typedef struct tg_engine tg_engine;
typedef struct tg_model tg_model;
typedef struct tg_dataset tg_dataset;

/* ---- engine ---- */

/**
 * Makes an engine whose pool has `threads` threads, the caller among them.
 * threads is clamped to 1…16, and to 1 in a build without threads; where a thread cannot be started the engine
 * works with those it has. Not more than `processors` of them are woken to work at one time: threads in excess of what
 * the machine has would only take turns.
 * Returns NULL when memory is short. Owner: the caller, until tg_engine_destroy.
 */
TG_EXPORT tg_engine *tg_engine_create(double threads, double processors);

/** Ends the pool's threads and frees the engine with every model, data set and buffer still in it. NULL is ignored. */
TG_EXPORT void tg_engine_destroy(tg_engine *engine);

/** The status of the last call that failed. */
TG_EXPORT tg_status tg_last_status(const tg_engine *engine);

/** What went wrong in the last call that failed: UTF-8, under 500 bytes, valid until the next failure. */
TG_EXPORT const char *tg_last_error(const tg_engine *engine);

/** One number about the engine; see tg_info. Unknown fields give NaN. */
TG_EXPORT double tg_engine_info(const tg_engine *engine, tg_info field);

/**
 * The engine for WebAssembly is two files. With NULL: the second one is not loaded, and what is in it is refused with
 * TG_E_REST from now on. With a buffer that holds the file: loads it; of an engine with threads the buffer must live as
 * long as that. TG_E_DISPOSED, TG_E_CONFIG (not that file, or no memory for it).
 */
TG_EXPORT tg_status tg_load_rest(tg_engine *engine, const void *buffer, double bytes);

/**
 * Runs the engine's own matrix micro-kernel on data that stays in the first-level cache, on every thread at once.
 * Returns the floating-point operations done (a multiplication and an addition count as two), for the host to time:
 * the peak that every other kernel is measured against.
 */
TG_EXPORT double tg_peak_run(tg_engine *engine, double iterations);

/* ---- memory for the host's arguments ---- */

/** `bytes` of engine memory, 16-byte aligned, for names, attributes and results; not zeroed. TG_E_LIMIT, TG_E_OOM. */
TG_EXPORT void *tg_buffer_create(tg_engine *engine, double bytes);

/** Gives a buffer back. TG_E_DISPOSED when it is not a live buffer. */
TG_EXPORT tg_status tg_buffer_destroy(tg_engine *engine, void *buffer);

/* ---- data sets ---- */

/**
 * Reserves a data set of `count` samples of height x width x channels (a flat sample is 1 x 1 x features).
 * label_size is the floats a sample for TG_LABELS_VALUES, ignored otherwise.
 * The host fills the memory at tg_dataset_samples and tg_dataset_labels, then calls tg_dataset_seal.
 * U8 samples start with the normalisation x/255, F32 samples with none.
 * TG_E_EMPTY (count 0), TG_E_CONFIG, TG_E_LIMIT, TG_E_OOM.
 */
TG_EXPORT tg_dataset *tg_dataset_create(tg_engine *engine, tg_sample_type samples, double count, double height,
                                        double width, double channels, tg_label_type labels, double label_size);

/** Frees a data set. TG_E_STATE while there are views of it. */
TG_EXPORT tg_status tg_dataset_destroy(tg_engine *engine, tg_dataset *dataset);

/** First sample: count * height * width * channels bytes (U8) or floats (F32). */
TG_EXPORT void *tg_dataset_samples(tg_engine *engine, tg_dataset *dataset);

/** First label: count int32 (CLASS) or count * label_size floats (VALUES). NULL for TG_LABELS_NONE. */
TG_EXPORT void *tg_dataset_labels(tg_engine *engine, tg_dataset *dataset);

/**
 * First of count sample weights, which the host fills before tg_dataset_seal. A data set without them has 1 everywhere;
 * the first call makes them. TG_E_OOM.
 */
TG_EXPORT float *tg_dataset_weights(tg_engine *engine, tg_dataset *dataset);

/**
 * Sets x * scale[c] + offset[c] for channel c, applied when a batch is gathered.
 * scale and offset hold `channels` floats each. TG_E_SHAPE when channels is not the data set's; TG_E_NON_FINITE.
 */
TG_EXPORT tg_status tg_dataset_normalize(tg_engine *engine, tg_dataset *dataset, const tg_real *scale,
                                         const tg_real *offset, double channels);

/**
 * Makes `part` a part of the data set, behind those it has: input number k of a model reads the samples of part k,
 * output number k is compared with its labels (the data set itself is part 0). Parts with samples come before those
 * without. The data set owns the part from then on. TG_E_SHAPE (samples differ in number), TG_E_STATE (one of them is
 * not sealed, or the part belongs to another).
 */
TG_EXPORT tg_status tg_dataset_attach(tg_engine *engine, tg_dataset *dataset, tg_dataset *part);

/**
 * Writes samples from_first … from_first+count-1 of `from` into samples to_first … of `to`, which has the size that
 * they get; labels are left alone. Centres of pixels lie halfway between their edges, as in tf.image.resize and
 * PyTorch's interpolate(align_corners=False); bytes are rounded, halves to even. `to` must be sealed afterwards, `from`
 * need not be. TG_E_CONFIG, TG_E_STATE (other sample types, or one data set), TG_E_SHAPE (channels), TG_E_OOM.
 */
TG_EXPORT tg_status tg_dataset_resize(tg_engine *engine, tg_dataset *to, double to_first, tg_dataset *from,
                                      double from_first, double count, tg_resize method);

/**
 * Leaves the first `count` samples alone, where fewer came than there was room for. TG_E_EMPTY, TG_E_CONFIG (more than
 * there are), TG_E_STATE (it is sealed).
 */
TG_EXPORT tg_status tg_dataset_truncate(tg_engine *engine, tg_dataset *dataset, double count);

/**
 * Samples of another data set in an order of its own: sample i is rows[i] of it. Numbers are copied, samples, labels,
 * weights and normalisation are shared, those of its parts too; so it must live longer than its views. rows: n numbers,
 * any of them more than once. TG_E_EMPTY, TG_E_LIMIT, TG_E_INDEX_RANGE, TG_E_STATE (not sealed), TG_E_OOM.
 */
TG_EXPORT tg_dataset *tg_dataset_view(tg_engine *engine, tg_dataset *dataset, const uint32_t *rows, double n);

/**
 * Checks what the host wrote: floats must be finite (TG_E_NON_FINITE names the sample), class labels not negative
 * (TG_E_LABEL_RANGE). A data set can be used only once it is sealed.
 */
TG_EXPORT tg_status tg_dataset_seal(tg_engine *engine, tg_dataset *dataset);

/* ---- models ---- */

/**
 * An empty model. `seed` (a whole number, 0…2^53-1) drives initialisation, shuffling and dropout.
 * TG_E_CONFIG, TG_E_OOM. Owner: the caller, until tg_model_destroy.
 */
TG_EXPORT tg_model *tg_model_create(tg_engine *engine, double seed);

/** Frees a model with its plans. */
TG_EXPORT tg_status tg_model_destroy(tg_engine *engine, tg_model *model);

/**
 * Adds a node and infers its shape.
 * op: a name of src/ops/ops.inc. name: the layer's name, for errors and tensors (1…255 bytes, unique in the model).
 * inputs: n_inputs node numbers, all smaller than this node's own.
 * attributes: n_attributes names joined by commas ("filters,kernelHeight"), values in the same order; those left out
 * take the op's defaults. "kernel/l2" is a setting of the node's tensor `kernel` (src/tensor_settings.h): arguments of
 * its initialiser, penalties, which the loss includes in training and evaluation, and constraints.
 * Returns the node's number (0, 1, …), or minus a tg_status: TG_E_CONFIG, TG_E_SHAPE, TG_E_LIMIT, TG_E_GRAPH, TG_E_OOM,
 * TG_E_STATE after tg_model_build. The attribute sharesWith, which every op has, is a node of the same op whose weights
 * this one uses: a layer called again.
 */
TG_EXPORT int32_t tg_model_add(tg_engine *engine, tg_model *model, const char *op, const char *name,
                               const int32_t *inputs, uint32_t n_inputs, const char *attributes, const double *values,
                               uint32_t n_attributes);

/**
 * Ends the description: checks the graph, allocates the weights and initialises them from the seed.
 * outputs: n_outputs node numbers, in the order in which tg_predict writes them; none means the node added last.
 * TG_E_GRAPH, TG_E_CONFIG, TG_E_OOM.
 */
TG_EXPORT tg_status tg_model_build(tg_engine *engine, tg_model *model, const int32_t *outputs, uint32_t n_outputs);

/**
 * Whether training changes the tensors of node `node`, from the next tg_model_compile on: 1 as all start, or 0. A layer
 * that is not trained does in training what it does in predictions where that differs by its own averages (batch
 * normalisation), as in Keras. TG_E_CONFIG.
 */
TG_EXPORT tg_status tg_model_set_trainable(tg_engine *engine, tg_model *model, uint32_t node, uint32_t trainable);

/**
 * Chooses the loss of output number `output` for the next tg_model_compile; outputs without one take no part in
 * training. options: names joined by commas, values in order; those left out take their defaults. Every loss has
 * fromLogits (1: the output is not yet a probability), weightedAccuracy (1: accuracies count by their samples' weights)
 * and lossWeight (1; the model's loss is the sum of its losses times their weights). A cross-entropy over a final
 * softmax (or sigmoid) is computed from its logits either way, as Keras does. After a failure no loss is chosen.
 * TG_E_CONFIG, TG_E_HYPERPARAM, TG_E_SHAPE (loss and output do not fit), TG_E_STATE, TG_E_OOM.
 */
TG_EXPORT tg_status tg_model_set_loss(tg_engine *engine, tg_model *model, double output, tg_loss loss,
                                      const char *options, const double *values, uint32_t n_options);

/**
 * Makes the losses chosen hold, and chooses an optimizer, with fresh state; may be called again.
 * hyperparameters: names joined by commas, values in order; those left out take their defaults. "exclude" and
 * "excludeDecay" may stand among them any number of times: the number of a tensor that Muon leaves to Adam, and of one
 * that does not decay. TG_E_HYPERPARAM, TG_E_STATE (no loss was chosen), TG_E_OOM; the model is then compiled as it
 * was.
 */
TG_EXPORT tg_status tg_model_compile(tg_engine *engine, tg_model *model, tg_optimizer optimizer,
                                     const char *hyperparameters, const double *values, uint32_t n_hyperparameters);

/**
 * What the last step of tg_train_steps, or the last tg_evaluate, measured of output number `output`, in out[0…2]: sum
 * of its samples' losses, sum of their accuracies, and what makes the second a mean (samples, or their weights). In
 * out[3] 1 when its loss takes it for logits, not for probabilities. TG_E_CONFIG, TG_E_STATE.
 */
TG_EXPORT tg_status tg_model_measured(tg_engine *engine, tg_model *model, uint32_t output, double *out);

/**
 * Changes one hyperparameter of the compiled optimizer, between steps.
 * TG_E_HYPERPARAM; TG_E_STATE, also when the value needs other slots.
 */
TG_EXPORT tg_status tg_model_set_hyperparameter(tg_engine *engine, tg_model *model, const char *name, double value);

/**
 * Changes, between steps, what no shape or plan depends on: the penalty of a tensor ("kernel/l2"), or an attribute of
 * an op such as dropout. TG_E_CONFIG, with nothing changed.
 */
TG_EXPORT tg_status tg_model_set_attribute(tg_engine *engine, tg_model *model, uint32_t node, const char *name,
                                           double value);

/**
 * Prunes: weight i of the trainable ones (they come first in the vector) stays if bit i % 8 of mask[i / 8] is 1; else
 * it becomes 0 now and stays so in every update, and its gradient counts for 0. The mask holds a bit for each. NULL
 * lets all weights change again. TG_E_STATE (not built), TG_E_OOM.
 */
TG_EXPORT tg_status tg_model_set_mask(tg_engine *engine, tg_model *model, const uint8_t *mask);

/**
 * In how many bits training keeps values from the forward to the backward pass, from the next tg_train_begin on: 32, or
 * 16 (bfloat16), which halves them and rounds what gradients are computed from, where that makes a step's memory
 * smaller. TG_E_CONFIG.
 */
TG_EXPORT tg_status tg_model_store_activations(tg_engine *engine, tg_model *model, double bits);

/** Sets the count of training steps done (resuming from a checkpoint). TG_E_CONFIG. */
TG_EXPORT tg_status tg_model_set_step(tg_engine *engine, tg_model *model, double step);

/** One number about the model; see tg_model_field. NaN on failure. */
TG_EXPORT double tg_model_info(tg_engine *engine, tg_model *model, tg_model_field field);

/**
 * Describes node `node` in out[0…8]: rank, then the four dimensions of its output a sample (unused ones 1),
 * parameters, multiply-accumulates a sample, first tensor's number, trainable parameters.
 */
TG_EXPORT tg_status tg_model_describe_node(tg_engine *engine, tg_model *model, uint32_t node, double *out);

/**
 * Describes weight tensor `tensor` in out[0…7]: node, offset in the vector, rank, four dimensions (unused ones 1),
 * 1 when trainable.
 */
TG_EXPORT tg_status tg_model_describe_tensor(tg_engine *engine, tg_model *model, uint32_t tensor, double *out);

/**
 * Lays out a plan for batches of `batch` samples, or for inference of as many of them as are taken at once (no value
 * then needs more than 32 MB), without making it: the number of its arrays, or minus a tg_status. The first `room` of
 * them are described in out, six doubles each: node, tg_array_kind, offset in the arena, bytes, first and last moment
 * that the array is needed. Time runs 0…n-1 forward over the n nodes, n at the loss, n+1…2n backward: node i is at i
 * and at 2n-i. TG_E_CONFIG (batch), TG_E_LIMIT, TG_E_OOM, TG_E_STATE (not built).
 */
TG_EXPORT int32_t tg_model_describe_plan(tg_engine *engine, tg_model *model, double batch, uint32_t training,
                                         double *out, uint32_t room);

/** "layer/kernel" and the like; NULL when there is no such tensor. Valid as long as the model. */
TG_EXPORT const char *tg_model_tensor_name(tg_engine *engine, tg_model *model, uint32_t tensor);

/**
 * First float of a flat vector, as long as tg_vector says; NULL when the model has no such vector. Read and write; who
 * writes weights asks for the address again each time, since predictions keep the weights packed until then.
 */
TG_EXPORT tg_real *tg_model_vector(tg_engine *engine, tg_model *model, tg_vector vector);

/**
 * What optimizer slot `slot` (0…5) holds, as checkpoints call it; NULL when it is not in use, or there is no such
 * tensor. out[0…5] tells what it keeps for weight tensor `tensor`: offset in the slot's vector, rank, four dimensions
 * (unused ones 1). Rank 0: nothing.
 */
TG_EXPORT const char *tg_model_describe_slot(tg_engine *engine, tg_model *model, uint32_t slot, uint32_t tensor,
                                             double *out);

/* ---- training, evaluation, prediction ---- */

/**
 * Checks that the model could train on, and be evaluated on, samples first … first+count-1: nothing is changed.
 * TG_E_EMPTY, TG_E_SHAPE, TG_E_LABEL_RANGE, TG_E_INDEX_RANGE, TG_E_CONFIG, TG_E_STATE (not compiled).
 */
TG_EXPORT tg_status tg_model_check_data(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first,
                                        double count);

/**
 * Weights of classes 0…n-1 in the training that follows; other classes weigh 1, and n = 0 ends it. A sample weighs its
 * own weight times that of its class: a class label, the largest of several values, or one value rounded.
 * TG_E_LABEL_RANGE (more than the output has), TG_E_NON_FINITE, TG_E_STATE, TG_E_OOM.
 */
TG_EXPORT tg_status tg_train_class_weights(tg_engine *engine, tg_model *model, const tg_real *weights, double n);

/**
 * Augments the pictures of the training that follows by n rows of TG_AUGMENT_NUMBERS numbers; n = 0 ends it. Moves come
 * first, in the order of the list, as one map of places; then contrast and brightness, cutout, mixup. What is drawn is
 * a function of the model's seed, the epoch and the sample (of a mixture's partner: of the batch); an epoch beyond 2^32
 * is one plus 2^32 times the number of a batch of a stream, whose samples are counted from 0. tg_train_begin tells
 * what the data set or the losses do not allow. TG_E_CONFIG names option and value, TG_E_LIMIT, TG_E_OOM.
 */
TG_EXPORT tg_status tg_train_augment(tg_engine *engine, tg_model *model, const double *list, uint32_t n);

/**
 * The pictures that training with such a list, the seed and the epoch sees of samples first … first+count-1, taken as
 * one batch: height x width x channels floats each to out, of the last crop's size, not normalised.
 * TG_E_CONFIG, TG_E_SHAPE, TG_E_LIMIT, TG_E_OOM.
 */
TG_EXPORT tg_status tg_dataset_preview(tg_engine *engine, tg_dataset *dataset, double seed, double epoch, double first,
                                       double count, const double *list, uint32_t n, tg_real *out);

/**
 * Starts epoch `epoch` over samples first … first+count-1 in batches of `batch` (the last may be shorter): makes the
 * plan if batch size changed, and the order (a permutation drawn from seed and epoch when shuffle is 1).
 * All allocation of training happens here.
 * TG_E_EMPTY, TG_E_SHAPE, TG_E_LABEL_RANGE, TG_E_INDEX_RANGE, TG_E_CONFIG, TG_E_LIMIT, TG_E_OOM, TG_E_STATE (not
 * compiled).
 */
TG_EXPORT tg_status tg_train_begin(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count,
                                   double batch, double epoch, uint32_t shuffle);

/**
 * Runs whole training steps first_step … first_step+steps-1 of the epoch begun: gather, forward, loss, backward,
 * update. For each step out receives three doubles: sum of the samples' losses, each times its weight, sum of their
 * accuracies, samples. The loss of the batch is their sum over the samples, as in Keras, not over the weights.
 * TG_E_NON_FINITE names the step: its update was not made, and those before it stand. TG_E_STATE.
 */
TG_EXPORT tg_status tg_train_steps(tg_engine *engine, tg_model *model, double first_step, double steps, double *out);

/**
 * From now on each step of tg_train_steps and each tg_evaluate leaves there what metrics need: the values of output
 * number `output`, which has a loss, as they are before the update, and its labels, a class number or values a sample.
 * Both must have room for as many floats as that output gives for the samples of a step or call; the next one
 * overwrites them. NULL ends it, as tg_model_compile does. TG_E_CONFIG, TG_E_STATE.
 */
TG_EXPORT tg_status tg_model_watch(tg_engine *engine, tg_model *model, uint32_t output, tg_real *outputs,
                                   tg_real *labels);

/**
 * Loss and accuracy over samples first … first+count-1 in batches of `batch`, without training.
 * out receives three doubles as in tg_train_steps. Errors as tg_train_begin, and TG_E_NON_FINITE.
 */
TG_EXPORT tg_status tg_evaluate(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count,
                                double batch, double *out);

/**
 * Runs samples first … first+count-1 in batches of `batch` and finds between which numbers each node's values lie:
 * out receives two doubles a node, low and high. percentile (above 50, at most 100) is the share, in percent, of values
 * that lie below high, and above low; 100 means all, and the input is never cut. A ReLU that runs in its producer gives
 * both their range. Errors as tg_predict, TG_E_NON_FINITE naming the layer, TG_E_STATE for a model that is quantised
 * already.
 */
TG_EXPORT tg_status tg_calibrate(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count,
                                 double batch, double percentile, double *out);

/**
 * Outputs of samples first … first+count-1, in batches of `batch`: count * TG_MODEL_OUTPUT_SIZE floats to out, output
 * after output.
 */
TG_EXPORT tg_status tg_predict(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count,
                               double batch, tg_real *out);

/**
 * Runs samples first … first+count-1 through the model as one batch and tells what nodes hold, and the gradient of a
 * source with respect to them. Weights, their gradients, averages and optimizer stay as they are.
 * source: a node, whose values times `seed` (count * its size floats) are summed; or a tg_source.
 * nodes: n_nodes numbers. out receives for each of them, one after the other, count * its size values and, unless the
 * source is TG_SOURCE_NONE, as many gradients; then, with TG_INSPECT_WEIGHTS, TG_MODEL_TRAINABLE floats.
 * A layer's own activation is another node. Errors as tg_predict, for the loss as tg_evaluate; TG_E_GRAPH when the
 * source does not depend on a node; TG_E_STATE for a quantised model.
 */
TG_EXPORT tg_status tg_model_inspect(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first,
                                     double count, int32_t source, const tg_real *seed, const int32_t *nodes,
                                     uint32_t n_nodes, uint32_t flags, tg_real *out);

#endif
