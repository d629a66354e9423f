// Generated from src/tabgrad.h by wasm-build/generate-ffi.mjs: do not edit.

/**
 * A byte address in engine memory. The tag keeps a model's address from being passed where a data set's is meant.
 * @template {string} T
 * @typedef {number & { readonly __pointer: T }} Pointer
 */

/** The address of nothing, of every type. */
export const NULL = /** @type {Pointer<any>} */ (0);

/**
 * Why a call failed. JavaScript gives each its error class; the names there have no TG_ prefix.
 */
export const Status = Object.freeze(
  /** @type {const} */ ({
    OK: 0,
    /** an option is missing, unknown, not whole, or out of its range */
    E_CONFIG: 1,
    /** two shapes do not fit each other */
    E_SHAPE: 2,
    /** larger than the engine can address, refused before allocation */
    E_LIMIT: 3,
    /** the nodes do not form a graph that can run */
    E_GRAPH: 4,
    /** a label is not a class of the model */
    E_LABEL_RANGE: 5,
    /** NaN or infinity in data, loss, gradients or weights */
    E_NON_FINITE: 6,
    /** a learning rate, momentum … outside its range */
    E_HYPERPARAM: 7,
    /** no samples */
    E_EMPTY: 8,
    /** the call does not fit what was called before */
    E_STATE: 9,
    /** the object was destroyed, or never was one */
    E_DISPOSED: 10,
    /** memory could not be had; the text names the bytes */
    E_OOM: 11,
    /** a number that a layer looks up is none of its rows */
    E_INDEX_RANGE: 12,
    /** what was asked for is in the engine's second file: see tg_load_rest */
    E_REST: 13,
  }),
);

/** @typedef {(typeof Status)[keyof typeof Status]} StatusValue */

/**
 * How samples are stored in a data set.
 */
export const SampleType = Object.freeze(
  /** @type {const} */ ({
    /** pixels 0…255, one byte each, normalised when a batch is gathered */
    U8: 0,
    /** floats, used as they are unless a normalisation is set */
    F32: 1,
    /** labels alone: the part of a data set for an output beyond the inputs */
    NONE: 2,
  }),
);

/** @typedef {(typeof SampleType)[keyof typeof SampleType]} SampleTypeValue */

/**
 * How labels are stored in a data set.
 */
export const LabelType = Object.freeze(
  /** @type {const} */ ({
    /** no labels: only tg_predict */
    NONE: 0,
    /** one int32 class index a sample */
    CLASS: 1,
    /** label_size floats a sample: one-hot rows, probabilities or regression targets */
    VALUES: 2,
  }),
);

/** @typedef {(typeof LabelType)[keyof typeof LabelType]} LabelTypeValue */

/**
 * How a picture is made of another size; see tg_dataset_resize.
 */
export const Resize = Object.freeze(
  /** @type {const} */ ({
    NEAREST: 0,
    /** between the two nearest cells, however much smaller the picture becomes */
    BILINEAR: 1,
    /** bilinear, where the picture becomes smaller over all cells that come together */
    ANTIALIAS: 2,
  }),
);

/** @typedef {(typeof Resize)[keyof typeof Resize]} ResizeValue */

/**
 * What augmentation does to a picture of a training batch. A list of it is rows of eight numbers: one of these, then
 * its own. A range is two numbers, ends included; each sample draws its own in each epoch.
 */
export const Augmentation = Object.freeze(
  /** @type {const} */ ({
    /** horizontal, vertical (flags), alternate (flag: an epoch flips what the last did not) */
    FLIP: 0,
    /** height, width (0: as they are), padding above and below, padding left and right */
    CROP: 1,
    /** range of turns, counter-clockwise */
    ROTATION: 2,
    /** ranges of shares of the height, down, and of the width, to the right */
    TRANSLATION: 3,
    /** ranges of x by y, of y by x, and of degrees (ImageDataGenerator's) */
    SHEAR: 4,
    /** ranges of height and width, above 0 outwards; flag: the width goes by the height */
    ZOOM: 5,
    /** range of shares of the values' range; its ends, NaN: 0 and 255, of bytes alone */
    BRIGHTNESS: 6,
    /** how far the factor goes below and above 1; ends of the values' range, as above */
    CONTRAST: 7,
    /** height, width, rectangles, what fills them (NaN: 0 after normalisation) */
    CUTOUT: 8,
    /** alpha of Beta(alpha, alpha) */
    MIXUP: 9,
    /** of all that move: tg_fill, value of TG_FILL_CONSTANT (NaN: 0), flag: nearest pixel */
    FILL: 10,
  }),
);

/** @typedef {(typeof Augmentation)[keyof typeof Augmentation]} AugmentationValue */

/**
 * What lies beyond the edges of a picture a b c d that is moved, turned or made smaller.
 */
export const Fill = Object.freeze(
  /** @type {const} */ ({
    /** k k k | a b c d | k k k */
    CONSTANT: 0,
    /** a a a | a b c d | d d d */
    NEAREST: 1,
    /** c b a | a b c d | d c b */
    REFLECT: 2,
    /** b c d | a b c d | a b c */
    WRAP: 3,
    /** d c b | a b c d | c b a */
    MIRROR: 4,
  }),
);

/** @typedef {(typeof Fill)[keyof typeof Fill]} FillValue */

/**
 * The loss a model is compiled with. Definitions, defaults and clipping follow Keras 3; options have names.
 */
export const Loss = Object.freeze(
  /** @type {const} */ ({
    /** class labels; labelSmoothing 0 */
    SPARSE_CATEGORICAL_CROSSENTROPY: 0,
    /** value labels, one row of probabilities a sample; labelSmoothing 0 */
    CATEGORICAL_CROSSENTROPY: 1,
    /** class labels 0/1 (one output) or value labels; labelSmoothing 0 */
    BINARY_CROSSENTROPY: 2,
    /** value labels, or class labels with one output; so those below */
    MEAN_SQUARED_ERROR: 3,
    MEAN_ABSOLUTE_ERROR: 4,
    /** delta 1, smoothL1 0 */
    HUBER: 5,
    LOG_COSH: 6,
    MEAN_SQUARED_LOGARITHMIC_ERROR: 7,
    POISSON: 8,
    /** value labels */
    KL_DIVERGENCE: 9,
    /** value labels */
    COSINE_SIMILARITY: 10,
    /** labels -1/1 or 0/1 */
    HINGE: 11,
    /** the same */
    SQUARED_HINGE: 12,
    /** value labels */
    CATEGORICAL_HINGE: 13,
    /** alpha 0.25, gamma 2, applyClassBalancing 0, labelSmoothing 0 */
    BINARY_FOCAL_CROSSENTROPY: 14,
    /** value labels; alpha 0.25, gamma 2, labelSmoothing 0 */
    CATEGORICAL_FOCAL_CROSSENTROPY: 15,
  }),
);

/** @typedef {(typeof Loss)[keyof typeof Loss]} LossValue */

/**
 * The update rule, a row of src/optim/rules.inc. Formulas and defaults follow Keras 3.
 */
export const Optimizer = Object.freeze(
  /** @type {const} */ ({
    SGD: 0,
    ADAM: 1,
    ADAMW: 2,
    ADAMAX: 3,
    NADAM: 4,
    ADAGRAD: 5,
    RMSPROP: 6,
    ADADELTA: 7,
    LION: 8,
    ADAFACTOR: 9,
    MUON: 10,
  }),
);

/** @typedef {(typeof Optimizer)[keyof typeof Optimizer]} OptimizerValue */

/**
 * A flat vector of a model: every tensor is an offset and a shape in it. Tensors that no gradient changes (moving
 * averages) come behind all trainable ones; the weights have TG_MODEL_PARAMETERS floats, gradients only the
 * TG_MODEL_TRAINABLE first, a slot what tg_model_describe_slot tells.
 */
export const Vector = Object.freeze(
  /** @type {const} */ ({
    WEIGHTS: 0,
    /** of the mean loss, as the last training step used them: averaged and clipped */
    GRADIENTS: 1,
    /** optimizer state; see tg_model_describe_slot */
    SLOT0: 2,
    SLOT1: 3,
    SLOT2: 4,
    /** gradients gathered */
    SLOT3: 5,
    /** moving average of the weights */
    SLOT4: 6,
    /** slow weights of Lookahead */
    SLOT5: 7,
  }),
);

/** @typedef {(typeof Vector)[keyof typeof Vector]} VectorValue */

/**
 * What tg_engine_info tells.
 */
export const Info = Object.freeze(
  /** @type {const} */ ({
    /** threads that work, the caller included */
    THREADS: 0,
    /** 1 in the relaxed build, else 0 */
    RELAXED_SIMD: 1,
    /** bytes the engine holds now */
    LIVE_BYTES: 2,
    /** the most it ever held */
    PEAK_BYTES: 3,
    /** blocks it holds now */
    LIVE_ALLOCATIONS: 4,
    /** blocks it ever asked for; a step leaves this number alone */
    ALLOCATIONS: 5,
    /** the part of the live bytes that is data sets */
    DATASET_BYTES: 6,
  }),
);

/** @typedef {(typeof Info)[keyof typeof Info]} InfoValue */

/**
 * What tg_model_info tells.
 */
export const ModelField = Object.freeze(
  /** @type {const} */ ({
    NODES: 0,
    TENSORS: 1,
    /** floats in the weight vector, moving averages included */
    PARAMETERS: 2,
    /** floats that training changes by their gradients: the first of the weight vector */
    TRAINABLE: 3,
    /** training steps done since the weights were made; drives Adam and dropout */
    STEP: 4,
    /** arena of the training plan now held, 0 before the first */
    TRAINING_BYTES: 5,
    /** arena of the inference plan now held, 0 before the first */
    INFERENCE_BYTES: 6,
    /** floats a sample that tg_predict writes */
    OUTPUT_SIZE: 7,
    SEED: 8,
    /** by which the last sum of accuracies becomes a mean: samples, or their weights */
    ACCURACY_WEIGHT: 9,
  }),
);

/** @typedef {(typeof ModelField)[keyof typeof ModelField]} ModelFieldValue */

/**
 * What an array of a plan holds; see tg_model_describe_plan.
 */
export const ArrayKind = Object.freeze(
  /** @type {const} */ ({
    /** a layer's output, for all samples of the batch */
    VALUE: 0,
    /** of that output */
    GRADIENT: 1,
    /** one reader's share of a gradient that has several */
    GRADIENT_PART: 2,
    /** what the forward pass leaves for the backward pass */
    SAVED: 3,
    SCRATCH_FORWARD: 4,
    SCRATCH_BACKWARD: 5,
    /** the weights in the order that the forward pass reads */
    PACKED: 6,
    /** a value in 16 bits, between the passes */
    STORED: 7,
    /** the value made of that again, for the backward pass */
    RESTORED: 8,
  }),
);

/** @typedef {(typeof ArrayKind)[keyof typeof ArrayKind]} ArrayKindValue */

/**
 * Gradients of what tg_model_inspect computes, when it is not a node.
 */
export const Source = Object.freeze(
  /** @type {const} */ ({
    /** of nothing: only values are wanted */
    NONE: -1,
    /** of the mean loss of the samples */
    LOSS: -2,
  }),
);

/** @typedef {(typeof Source)[keyof typeof Source]} SourceValue */

/**
 * How tg_model_inspect works: flags.
 */
export const InspectFlag = Object.freeze(
  /** @type {const} */ ({
    /** dropout drops, batch normalisation takes the batch's statistics; else as in predictions */
    TRAINING: 1,
    /** the gradient of the weights is wanted too */
    WEIGHTS: 2,
  }),
);

/** @typedef {(typeof InspectFlag)[keyof typeof InspectFlag]} InspectFlagValue */

/**
 * The engine's functions, as src/tabgrad.h describes them.
 * @typedef {object} Bindings
 * @property {(threads: number, processors: number) => Pointer<'tg_engine'>} engineCreate
 *   Makes an engine whose pool has `threads` threads, the caller among them.
 *   threads is clamped to 1…16, and to 1 in a build without threads; where a thread cannot be started the engine
 *   works with those it has. Not more than `processors` of them are woken to work at one time: threads in excess of what
 *   the machine has would only take turns.
 *   Returns NULL when memory is short. Owner: the caller, until tg_engine_destroy.
 * @property {(engine: Pointer<'tg_engine'>) => void} engineDestroy
 *   Ends the pool's threads and frees the engine with every model, data set and buffer still in it. NULL is ignored.
 * @property {(engine: Pointer<'tg_engine'>) => StatusValue} lastStatus
 *   The status of the last call that failed.
 * @property {(engine: Pointer<'tg_engine'>) => Pointer<'char'>} lastError
 *   What went wrong in the last call that failed: UTF-8, under 500 bytes, valid until the next failure.
 * @property {(engine: Pointer<'tg_engine'>, field: InfoValue) => number} engineInfo
 *   One number about the engine; see tg_info. Unknown fields give NaN.
 * @property {(engine: Pointer<'tg_engine'>, buffer: Pointer<'void'>, bytes: number) => StatusValue} loadRest
 *   The engine for WebAssembly is two files. With NULL: the second one is not loaded, and what is in it is refused with
 *   TG_E_REST from now on. With a buffer that holds the file: loads it; of an engine with threads the buffer must live as
 *   long as that. TG_E_DISPOSED, TG_E_CONFIG (not that file, or no memory for it).
 * @property {(engine: Pointer<'tg_engine'>, iterations: number) => number} peakRun
 *   Runs the engine's own matrix micro-kernel on data that stays in the first-level cache, on every thread at once.
 *   Returns the floating-point operations done (a multiplication and an addition count as two), for the host to time:
 *   the peak that every other kernel is measured against.
 * @property {(engine: Pointer<'tg_engine'>, bytes: number) => Pointer<'void'>} bufferCreate
 *   `bytes` of engine memory, 16-byte aligned, for names, attributes and results; not zeroed. TG_E_LIMIT, TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, buffer: Pointer<'void'>) => StatusValue} bufferDestroy
 *   Gives a buffer back. TG_E_DISPOSED when it is not a live buffer.
 * @property {(engine: Pointer<'tg_engine'>, samples: SampleTypeValue, count: number, height: number, width: number, channels: number, labels: LabelTypeValue, labelSize: number) => Pointer<'tg_dataset'>} datasetCreate
 *   Reserves a data set of `count` samples of height x width x channels (a flat sample is 1 x 1 x features).
 *   label_size is the floats a sample for TG_LABELS_VALUES, ignored otherwise.
 *   The host fills the memory at tg_dataset_samples and tg_dataset_labels, then calls tg_dataset_seal.
 *   U8 samples start with the normalisation x/255, F32 samples with none.
 *   TG_E_EMPTY (count 0), TG_E_CONFIG, TG_E_LIMIT, TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>) => StatusValue} datasetDestroy
 *   Frees a data set. TG_E_STATE while there are views of it.
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>) => Pointer<'void'>} datasetSamples
 *   First sample: count * height * width * channels bytes (U8) or floats (F32).
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>) => Pointer<'void'>} datasetLabels
 *   First label: count int32 (CLASS) or count * label_size floats (VALUES). NULL for TG_LABELS_NONE.
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>) => Pointer<'float'>} datasetWeights
 *   First of count sample weights, which the host fills before tg_dataset_seal. A data set without them has 1 everywhere;
 *   the first call makes them. TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>, scale: Pointer<'tg_real'>, offset: Pointer<'tg_real'>, channels: number) => StatusValue} datasetNormalize
 *   Sets x * scale[c] + offset[c] for channel c, applied when a batch is gathered.
 *   scale and offset hold `channels` floats each. TG_E_SHAPE when channels is not the data set's; TG_E_NON_FINITE.
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>, part: Pointer<'tg_dataset'>) => StatusValue} datasetAttach
 *   Makes `part` a part of the data set, behind those it has: input number k of a model reads the samples of part k,
 *   output number k is compared with its labels (the data set itself is part 0). Parts with samples come before those
 *   without. The data set owns the part from then on. TG_E_SHAPE (samples differ in number), TG_E_STATE (one of them is
 *   not sealed, or the part belongs to another).
 * @property {(engine: Pointer<'tg_engine'>, to: Pointer<'tg_dataset'>, toFirst: number, from: Pointer<'tg_dataset'>, fromFirst: number, count: number, method: ResizeValue) => StatusValue} datasetResize
 *   Writes samples from_first … from_first+count-1 of `from` into samples to_first … of `to`, which has the size that
 *   they get; labels are left alone. Centres of pixels lie halfway between their edges, as in tf.image.resize and
 *   PyTorch's interpolate(align_corners=False); bytes are rounded, halves to even. `to` must be sealed afterwards, `from`
 *   need not be. TG_E_CONFIG, TG_E_STATE (other sample types, or one data set), TG_E_SHAPE (channels), TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>, count: number) => StatusValue} datasetTruncate
 *   Leaves the first `count` samples alone, where fewer came than there was room for. TG_E_EMPTY, TG_E_CONFIG (more than
 *   there are), TG_E_STATE (it is sealed).
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>, rows: Pointer<'uint32_t'>, n: number) => Pointer<'tg_dataset'>} datasetView
 *   Samples of another data set in an order of its own: sample i is rows[i] of it. Numbers are copied, samples, labels,
 *   weights and normalisation are shared, those of its parts too; so it must live longer than its views. rows: n numbers,
 *   any of them more than once. TG_E_EMPTY, TG_E_LIMIT, TG_E_INDEX_RANGE, TG_E_STATE (not sealed), TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>) => StatusValue} datasetSeal
 *   Checks what the host wrote: floats must be finite (TG_E_NON_FINITE names the sample), class labels not negative
 *   (TG_E_LABEL_RANGE). A data set can be used only once it is sealed.
 * @property {(engine: Pointer<'tg_engine'>, seed: number) => Pointer<'tg_model'>} modelCreate
 *   An empty model. `seed` (a whole number, 0…2^53-1) drives initialisation, shuffling and dropout.
 *   TG_E_CONFIG, TG_E_OOM. Owner: the caller, until tg_model_destroy.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>) => StatusValue} modelDestroy
 *   Frees a model with its plans.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, op: Pointer<'char'>, name: Pointer<'char'>, inputs: Pointer<'int32_t'>, nInputs: number, attributes: Pointer<'char'>, values: Pointer<'double'>, nAttributes: number) => number} modelAdd
 *   Adds a node and infers its shape.
 *   op: a name of src/ops/ops.inc. name: the layer's name, for errors and tensors (1…255 bytes, unique in the model).
 *   inputs: n_inputs node numbers, all smaller than this node's own.
 *   attributes: n_attributes names joined by commas ("filters,kernelHeight"), values in the same order; those left out
 *   take the op's defaults. "kernel/l2" is a setting of the node's tensor `kernel` (src/tensor_settings.h): arguments of
 *   its initialiser, penalties, which the loss includes in training and evaluation, and constraints.
 *   Returns the node's number (0, 1, …), or minus a tg_status: TG_E_CONFIG, TG_E_SHAPE, TG_E_LIMIT, TG_E_GRAPH, TG_E_OOM,
 *   TG_E_STATE after tg_model_build. The attribute sharesWith, which every op has, is a node of the same op whose weights
 *   this one uses: a layer called again.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, outputs: Pointer<'int32_t'>, nOutputs: number) => StatusValue} modelBuild
 *   Ends the description: checks the graph, allocates the weights and initialises them from the seed.
 *   outputs: n_outputs node numbers, in the order in which tg_predict writes them; none means the node added last.
 *   TG_E_GRAPH, TG_E_CONFIG, TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, node: number, trainable: number) => StatusValue} modelSetTrainable
 *   Whether training changes the tensors of node `node`, from the next tg_model_compile on: 1 as all start, or 0. A layer
 *   that is not trained does in training what it does in predictions where that differs by its own averages (batch
 *   normalisation), as in Keras. TG_E_CONFIG.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, output: number, loss: LossValue, options: Pointer<'char'>, values: Pointer<'double'>, nOptions: number) => StatusValue} modelSetLoss
 *   Chooses the loss of output number `output` for the next tg_model_compile; outputs without one take no part in
 *   training. options: names joined by commas, values in order; those left out take their defaults. Every loss has
 *   fromLogits (1: the output is not yet a probability), weightedAccuracy (1: accuracies count by their samples' weights)
 *   and lossWeight (1; the model's loss is the sum of its losses times their weights). A cross-entropy over a final
 *   softmax (or sigmoid) is computed from its logits either way, as Keras does. After a failure no loss is chosen.
 *   TG_E_CONFIG, TG_E_HYPERPARAM, TG_E_SHAPE (loss and output do not fit), TG_E_STATE, TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, optimizer: OptimizerValue, hyperparameters: Pointer<'char'>, values: Pointer<'double'>, nHyperparameters: number) => StatusValue} modelCompile
 *   Makes the losses chosen hold, and chooses an optimizer, with fresh state; may be called again.
 *   hyperparameters: names joined by commas, values in order; those left out take their defaults. "exclude" and
 *   "excludeDecay" may stand among them any number of times: the number of a tensor that Muon leaves to Adam, and of one
 *   that does not decay. TG_E_HYPERPARAM, TG_E_STATE (no loss was chosen), TG_E_OOM; the model is then compiled as it
 *   was.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, output: number, out: Pointer<'double'>) => StatusValue} modelMeasured
 *   What the last step of tg_train_steps, or the last tg_evaluate, measured of output number `output`, in out[0…2]: sum
 *   of its samples' losses, sum of their accuracies, and what makes the second a mean (samples, or their weights). In
 *   out[3] 1 when its loss takes it for logits, not for probabilities. TG_E_CONFIG, TG_E_STATE.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, name: Pointer<'char'>, value: number) => StatusValue} modelSetHyperparameter
 *   Changes one hyperparameter of the compiled optimizer, between steps.
 *   TG_E_HYPERPARAM; TG_E_STATE, also when the value needs other slots.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, node: number, name: Pointer<'char'>, value: number) => StatusValue} modelSetAttribute
 *   Changes, between steps, what no shape or plan depends on: the penalty of a tensor ("kernel/l2"), or an attribute of
 *   an op such as dropout. TG_E_CONFIG, with nothing changed.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, mask: Pointer<'uint8_t'>) => StatusValue} modelSetMask
 *   Prunes: weight i of the trainable ones (they come first in the vector) stays if bit i % 8 of mask[i / 8] is 1; else
 *   it becomes 0 now and stays so in every update, and its gradient counts for 0. The mask holds a bit for each. NULL
 *   lets all weights change again. TG_E_STATE (not built), TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, bits: number) => StatusValue} modelStoreActivations
 *   In how many bits training keeps values from the forward to the backward pass, from the next tg_train_begin on: 32, or
 *   16 (bfloat16), which halves them and rounds what gradients are computed from, where that makes a step's memory
 *   smaller. TG_E_CONFIG.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, step: number) => StatusValue} modelSetStep
 *   Sets the count of training steps done (resuming from a checkpoint). TG_E_CONFIG.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, field: ModelFieldValue) => number} modelInfo
 *   One number about the model; see tg_model_field. NaN on failure.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, node: number, out: Pointer<'double'>) => StatusValue} modelDescribeNode
 *   Describes node `node` in out[0…8]: rank, then the four dimensions of its output a sample (unused ones 1),
 *   parameters, multiply-accumulates a sample, first tensor's number, trainable parameters.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, tensor: number, out: Pointer<'double'>) => StatusValue} modelDescribeTensor
 *   Describes weight tensor `tensor` in out[0…7]: node, offset in the vector, rank, four dimensions (unused ones 1),
 *   1 when trainable.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, batch: number, training: number, out: Pointer<'double'>, room: number) => number} modelDescribePlan
 *   Lays out a plan for batches of `batch` samples, or for inference of as many of them as are taken at once (no value
 *   then needs more than 32 MB), without making it: the number of its arrays, or minus a tg_status. The first `room` of
 *   them are described in out, six doubles each: node, tg_array_kind, offset in the arena, bytes, first and last moment
 *   that the array is needed. Time runs 0…n-1 forward over the n nodes, n at the loss, n+1…2n backward: node i is at i
 *   and at 2n-i. TG_E_CONFIG (batch), TG_E_LIMIT, TG_E_OOM, TG_E_STATE (not built).
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, tensor: number) => Pointer<'char'>} modelTensorName
 *   "layer/kernel" and the like; NULL when there is no such tensor. Valid as long as the model.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, vector: VectorValue) => Pointer<'tg_real'>} modelVector
 *   First float of a flat vector, as long as tg_vector says; NULL when the model has no such vector. Read and write; who
 *   writes weights asks for the address again each time, since predictions keep the weights packed until then.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, slot: number, tensor: number, out: Pointer<'double'>) => Pointer<'char'>} modelDescribeSlot
 *   What optimizer slot `slot` (0…5) holds, as checkpoints call it; NULL when it is not in use, or there is no such
 *   tensor. out[0…5] tells what it keeps for weight tensor `tensor`: offset in the slot's vector, rank, four dimensions
 *   (unused ones 1). Rank 0: nothing.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, dataset: Pointer<'tg_dataset'>, first: number, count: number) => StatusValue} modelCheckData
 *   Checks that the model could train on, and be evaluated on, samples first … first+count-1: nothing is changed.
 *   TG_E_EMPTY, TG_E_SHAPE, TG_E_LABEL_RANGE, TG_E_INDEX_RANGE, TG_E_CONFIG, TG_E_STATE (not compiled).
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, weights: Pointer<'tg_real'>, n: number) => StatusValue} trainClassWeights
 *   Weights of classes 0…n-1 in the training that follows; other classes weigh 1, and n = 0 ends it. A sample weighs its
 *   own weight times that of its class: a class label, the largest of several values, or one value rounded.
 *   TG_E_LABEL_RANGE (more than the output has), TG_E_NON_FINITE, TG_E_STATE, TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, list: Pointer<'double'>, n: number) => StatusValue} trainAugment
 *   Augments the pictures of the training that follows by n rows of TG_AUGMENT_NUMBERS numbers; n = 0 ends it. Moves come
 *   first, in the order of the list, as one map of places; then contrast and brightness, cutout, mixup. What is drawn is
 *   a function of the model's seed, the epoch and the sample (of a mixture's partner: of the batch); an epoch beyond 2^32
 *   is one plus 2^32 times the number of a batch of a stream, whose samples are counted from 0. tg_train_begin tells
 *   what the data set or the losses do not allow. TG_E_CONFIG names option and value, TG_E_LIMIT, TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, dataset: Pointer<'tg_dataset'>, seed: number, epoch: number, first: number, count: number, list: Pointer<'double'>, n: number, out: Pointer<'tg_real'>) => StatusValue} datasetPreview
 *   The pictures that training with such a list, the seed and the epoch sees of samples first … first+count-1, taken as
 *   one batch: height x width x channels floats each to out, of the last crop's size, not normalised.
 *   TG_E_CONFIG, TG_E_SHAPE, TG_E_LIMIT, TG_E_OOM.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, dataset: Pointer<'tg_dataset'>, first: number, count: number, batch: number, epoch: number, shuffle: number) => StatusValue} trainBegin
 *   Starts epoch `epoch` over samples first … first+count-1 in batches of `batch` (the last may be shorter): makes the
 *   plan if batch size changed, and the order (a permutation drawn from seed and epoch when shuffle is 1).
 *   All allocation of training happens here.
 *   TG_E_EMPTY, TG_E_SHAPE, TG_E_LABEL_RANGE, TG_E_INDEX_RANGE, TG_E_CONFIG, TG_E_LIMIT, TG_E_OOM, TG_E_STATE (not
 *   compiled).
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, firstStep: number, steps: number, out: Pointer<'double'>) => StatusValue} trainSteps
 *   Runs whole training steps first_step … first_step+steps-1 of the epoch begun: gather, forward, loss, backward,
 *   update. For each step out receives three doubles: sum of the samples' losses, each times its weight, sum of their
 *   accuracies, samples. The loss of the batch is their sum over the samples, as in Keras, not over the weights.
 *   TG_E_NON_FINITE names the step: its update was not made, and those before it stand. TG_E_STATE.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, output: number, outputs: Pointer<'tg_real'>, labels: Pointer<'tg_real'>) => StatusValue} modelWatch
 *   From now on each step of tg_train_steps and each tg_evaluate leaves there what metrics need: the values of output
 *   number `output`, which has a loss, as they are before the update, and its labels, a class number or values a sample.
 *   Both must have room for as many floats as that output gives for the samples of a step or call; the next one
 *   overwrites them. NULL ends it, as tg_model_compile does. TG_E_CONFIG, TG_E_STATE.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, dataset: Pointer<'tg_dataset'>, first: number, count: number, batch: number, out: Pointer<'double'>) => StatusValue} evaluate
 *   Loss and accuracy over samples first … first+count-1 in batches of `batch`, without training.
 *   out receives three doubles as in tg_train_steps. Errors as tg_train_begin, and TG_E_NON_FINITE.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, dataset: Pointer<'tg_dataset'>, first: number, count: number, batch: number, percentile: number, out: Pointer<'double'>) => StatusValue} calibrate
 *   Runs samples first … first+count-1 in batches of `batch` and finds between which numbers each node's values lie:
 *   out receives two doubles a node, low and high. percentile (above 50, at most 100) is the share, in percent, of values
 *   that lie below high, and above low; 100 means all, and the input is never cut. A ReLU that runs in its producer gives
 *   both their range. Errors as tg_predict, TG_E_NON_FINITE naming the layer, TG_E_STATE for a model that is quantised
 *   already.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, dataset: Pointer<'tg_dataset'>, first: number, count: number, batch: number, out: Pointer<'tg_real'>) => StatusValue} predict
 *   Outputs of samples first … first+count-1, in batches of `batch`: count * TG_MODEL_OUTPUT_SIZE floats to out, output
 *   after output.
 * @property {(engine: Pointer<'tg_engine'>, model: Pointer<'tg_model'>, dataset: Pointer<'tg_dataset'>, first: number, count: number, source: number, seed: Pointer<'tg_real'>, nodes: Pointer<'int32_t'>, nNodes: number, flags: number, out: Pointer<'tg_real'>) => StatusValue} modelInspect
 *   Runs samples first … first+count-1 through the model as one batch and tells what nodes hold, and the gradient of a
 *   source with respect to them. Weights, their gradients, averages and optimizer stay as they are.
 *   source: a node, whose values times `seed` (count * its size floats) are summed; or a tg_source.
 *   nodes: n_nodes numbers. out receives for each of them, one after the other, count * its size values and, unless the
 *   source is TG_SOURCE_NONE, as many gradients; then, with TG_INSPECT_WEIGHTS, TG_MODEL_TRAINABLE floats.
 *   A layer's own activation is another node. Errors as tg_predict, for the loss as tg_evaluate; TG_E_GRAPH when the
 *   source does not depend on a node; TG_E_STATE for a quantised model.
 */

/**
 * @param {any} module an instance of the engine, as its factory resolves it
 * @returns {Bindings}
 */
export function bindEngine(module) {
  return Object.freeze({
    engineCreate: module._tg_engine_create,
    engineDestroy: module._tg_engine_destroy,
    lastStatus: module._tg_last_status,
    lastError: module._tg_last_error,
    engineInfo: module._tg_engine_info,
    loadRest: module._tg_load_rest,
    peakRun: module._tg_peak_run,
    bufferCreate: module._tg_buffer_create,
    bufferDestroy: module._tg_buffer_destroy,
    datasetCreate: module._tg_dataset_create,
    datasetDestroy: module._tg_dataset_destroy,
    datasetSamples: module._tg_dataset_samples,
    datasetLabels: module._tg_dataset_labels,
    datasetWeights: module._tg_dataset_weights,
    datasetNormalize: module._tg_dataset_normalize,
    datasetAttach: module._tg_dataset_attach,
    datasetResize: module._tg_dataset_resize,
    datasetTruncate: module._tg_dataset_truncate,
    datasetView: module._tg_dataset_view,
    datasetSeal: module._tg_dataset_seal,
    modelCreate: module._tg_model_create,
    modelDestroy: module._tg_model_destroy,
    modelAdd: module._tg_model_add,
    modelBuild: module._tg_model_build,
    modelSetTrainable: module._tg_model_set_trainable,
    modelSetLoss: module._tg_model_set_loss,
    modelCompile: module._tg_model_compile,
    modelMeasured: module._tg_model_measured,
    modelSetHyperparameter: module._tg_model_set_hyperparameter,
    modelSetAttribute: module._tg_model_set_attribute,
    modelSetMask: module._tg_model_set_mask,
    modelStoreActivations: module._tg_model_store_activations,
    modelSetStep: module._tg_model_set_step,
    modelInfo: module._tg_model_info,
    modelDescribeNode: module._tg_model_describe_node,
    modelDescribeTensor: module._tg_model_describe_tensor,
    modelDescribePlan: module._tg_model_describe_plan,
    modelTensorName: module._tg_model_tensor_name,
    modelVector: module._tg_model_vector,
    modelDescribeSlot: module._tg_model_describe_slot,
    modelCheckData: module._tg_model_check_data,
    trainClassWeights: module._tg_train_class_weights,
    trainAugment: module._tg_train_augment,
    datasetPreview: module._tg_dataset_preview,
    trainBegin: module._tg_train_begin,
    trainSteps: module._tg_train_steps,
    modelWatch: module._tg_model_watch,
    evaluate: module._tg_evaluate,
    calibrate: module._tg_calibrate,
    predict: module._tg_predict,
    modelInspect: module._tg_model_inspect,
  });
}
