/*
 * Gradients of layers with weights, of branches and of losses; see check_gradients.h.
 */
#include "check_gradients.h"
#include "graph.h"
#include "kernels/winograd.h"

#ifdef TG_DOUBLE

static struct {
  double filters, kernel_h, kernel_w, stride_h, stride_w, same, dilation_h, dilation_w, groups;
} conv;

static void add_conv(tg_chain *chain) {
  chain_add(chain, "conv2d", "filters,kernelHeight,kernelWidth,strideHeight,strideWidth,samePadding", conv.filters,
            conv.kernel_h, conv.kernel_w, conv.stride_h, conv.stride_w, conv.same);
}
/* No ReLU: among so many outputs one lies within a step of its kink. */
static void add_wide_conv(tg_chain *chain) {
  chain_add(chain, "conv2d",
            "filters,kernelHeight,kernelWidth,strideHeight,strideWidth,samePadding,dilationHeight,dilationWidth,groups",
            conv.filters, conv.kernel_h, conv.kernel_w, conv.stride_h, conv.stride_w, conv.same, conv.dilation_h,
            conv.dilation_w, conv.groups);
}
static void add_padded_conv(tg_chain *chain) {
  chain_add(chain, "conv2d", "filters,kernelHeight,kernelWidth,padTop,padBottom,padLeft,padRight", 5.0, 3.0, 2.0, 2.0,
            1.0, 0.0, 3.0);
}
static void add_depthwise(tg_chain *chain) {
  chain_add(
      chain, "depthwiseConv2d",
      "depthMultiplier,kernelHeight,kernelWidth,strideHeight,strideWidth,samePadding,dilationHeight,dilationWidth",
      conv.filters, conv.kernel_h, conv.kernel_w, conv.stride_h, conv.stride_w, conv.same, conv.dilation_h,
      conv.dilation_w);
  chain_add(chain, "relu", "");
}
static void add_transposed(tg_chain *chain) {
  /* Pixels that no tap reaches are the bias alone: 1, to keep them off the kink of the ReLU. */
  chain_add(chain, "conv2dTranspose",
            "filters,kernelHeight,kernelWidth,strideHeight,strideWidth,samePadding,dilationHeight,dilationWidth,"
            "biasInitializer",
            conv.filters, conv.kernel_h, conv.kernel_w, conv.stride_h, conv.stride_w, conv.same, conv.dilation_h,
            conv.dilation_w, (double)TG_INIT_ONES);
  chain_add(chain, "relu", "");
}
static void add_transposed_padded(tg_chain *chain) {
  chain_add(chain, "conv2dTranspose",
            "filters,kernelHeight,kernelWidth,strideHeight,strideWidth,samePadding,outputPadded,outputPaddingHeight,"
            "outputPaddingWidth",
            conv.filters, conv.kernel_h, conv.kernel_w, conv.stride_h, conv.stride_w, conv.same, 1.0, conv.stride_h - 1,
            0.0);
}
static void add_average_pool_padded(tg_chain *chain) {
  chain_add(chain, "averagePooling2d", "poolHeight,poolWidth,padTop,padBottom,padLeft,countPadding", 3.0, 2.0, 1.0, 1.0,
            1.0, 1.0);
}
static void add_max_pool_padded(tg_chain *chain) {
  chain_add(chain, "maxPooling2d", "poolHeight,poolWidth,padTop,padRight", 3.0, 2.0, 1.0, 1.0);
}
static void add_conv_relu(tg_chain *chain) {
  add_conv(chain);
  chain_add(chain, "relu", "");
}
static void add_conv_without_bias(tg_chain *chain) {
  chain_add(chain, "conv2d", "filters,kernelHeight,kernelWidth,useBias", 5.0, 3.0, 3.0, 0.0);
  chain_add(chain, "relu", "");
}
static void add_max_pool(tg_chain *chain) { chain_add(chain, "maxPooling2d", ""); }
static void add_max_pool_overlapping(tg_chain *chain) {
  chain_add(chain, "maxPooling2d", "poolHeight,poolWidth,strideHeight,strideWidth,samePadding", 3.0, 3.0, 2.0, 1.0,
            1.0);
}
static void add_average_pool(tg_chain *chain) { chain_add(chain, "averagePooling2d", ""); }
static void add_average_pool_overlapping(tg_chain *chain) {
  chain_add(chain, "averagePooling2d", "poolHeight,poolWidth,strideHeight,strideWidth,samePadding", 3.0, 2.0, 1.0, 2.0,
            1.0);
}
static void add_relu(tg_chain *chain) {
  chain_add(chain, "maxPooling2d", "poolHeight,poolWidth,strideHeight,strideWidth", 1.0, 1.0, 1.0, 1.0);
  chain_add(chain, "relu", ""); /* not fused: its producer cannot */
}
static void add_sigmoid(tg_chain *chain) { chain_add(chain, "sigmoid", ""); }
static void add_softmax(tg_chain *chain) { chain_add(chain, "softmax", ""); }
static void add_dropout(tg_chain *chain) { chain_add(chain, "dropout", "rate", 0.4); }
static void add_dense(tg_chain *chain) {
  chain_add(chain, "dense", "units", 5.0); /* over the channels of every pixel */
  chain_add(chain, "relu", "");
}
static void add_penalties(tg_chain *chain) {
  chain_add(chain, "conv2d", "filters,kernelHeight,kernelWidth,kernel/l1,kernel/l2,bias/l2,biasInitializer", 3.0, 2.0,
            2.0, 0.02, 0.3, 0.7, (double)TG_INIT_RANDOM_NORMAL);
  chain_add(chain, "dense", "units,kernel/l2,bias/l1,biasInitializer", 5.0, 0.5, 0.1, (double)TG_INIT_RANDOM_NORMAL);
}
static void add_dense_without_bias(tg_chain *chain) { chain_add(chain, "dense", "units,useBias", 9.0, 0.0); }

static void add_global_pool(tg_chain *chain) {
  chain_add(chain, "globalAveragePooling2d", "");
  chain_add(chain, "dense", "units", 4.0);
}
static void add_global_max_pool(tg_chain *chain) {
  chain_add(chain, "adaptiveMaxPooling2d", "outputWidth", 1.0);
  chain_add(chain, "dense", "units", 4.0);
}
static void add_norm(tg_chain *chain) { chain_add(chain, "batchNormalization", ""); }
static void add_norm_relu(tg_chain *chain) {
  chain_add(chain, "batchNormalization", "epsilon", 0.1);
  chain_add(chain, "relu", ""); /* fused */
}
static void add_norm_without_center(tg_chain *chain) { chain_add(chain, "batchNormalization", "center", 0.0); }
static void add_norm_without_scale(tg_chain *chain) { chain_add(chain, "batchNormalization", "scale", 0.0); }
static void add_bare_norm(tg_chain *chain) { chain_add(chain, "batchNormalization", "center,scale", 0.0, 0.0); }
static void add_norm_of_rows(tg_chain *chain) {
  chain_add(chain, "flatten", "");
  chain_add(chain, "batchNormalization", "");
}

/* ---- branches ---- */

static void same_conv(tg_chain *chain, double filters) {
  chain_add(chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", filters, 3.0, 3.0, 1.0);
}

/* The block of a residual network: two convolutions and their input. */
static void add_residual(tg_chain *chain) {
  int32_t fork = chain->last;
  same_conv(chain, 3);
  chain_add(chain, "batchNormalization", "");
  chain_add(chain, "relu", "");
  same_conv(chain, 3);
  chain_add(chain, "batchNormalization", "");
  chain_join(chain, "add", fork);
  chain_add(chain, "relu", "");
}
/* Two blocks, the second with weights in its shortcut. */
static void add_residuals(tg_chain *chain) {
  add_residual(chain);
  int32_t fork = chain->last;
  same_conv(chain, 5);
  int32_t body = chain->last;
  chain->last = fork;
  chain_add(chain, "conv2d", "filters,kernelHeight,kernelWidth", 5.0, 1.0, 1.0);
  chain_join(chain, "add", body);
}
/* One value added to itself: its gradient counts twice. */
static void add_double(tg_chain *chain) { chain_join(chain, "add", chain->last); }
/* A value with three readers, one of them twice removed. */
static void add_three_readers(tg_chain *chain) {
  int32_t fork = chain->last;
  same_conv(chain, 3);
  int32_t first = chain->last;
  chain->last = fork;
  chain_add(chain, "sigmoid", "");
  chain_join(chain, "add", first);
  chain_join(chain, "add", fork);
}
/* A fused ReLU, then one that cannot be fused, each read by two. */
static void add_shared_relu(tg_chain *chain) {
  same_conv(chain, 3);
  chain_add(chain, "relu", "");
  int32_t fork = chain->last;
  same_conv(chain, 3);
  chain_join(chain, "add", fork);
  fork = chain->last;
  chain_add(chain, "relu", "");
  int32_t second = chain->last;
  chain_add(chain, "sigmoid", "");
  chain_join(chain, "add", second);
  chain_join(chain, "add", fork);
}
static void add_shared_dropout(tg_chain *chain) {
  int32_t fork = chain->last;
  chain_add(chain, "dropout", "rate", 0.3);
  int32_t dropped = chain->last;
  chain_add(chain, "sigmoid", "");
  chain_join(chain, "add", dropped);
  chain_join(chain, "add", fork);
}
/* A flatten that may not take over its input's bytes, and one whose output has two readers. */
static void add_shared_flatten(tg_chain *chain) {
  int32_t fork = chain->last;
  chain_add(chain, "flatten", "");
  int32_t flat = chain->last;
  chain->last = fork;
  chain_add(chain, "sigmoid", "");
  chain_add(chain, "flatten", "");
  int32_t other = chain->last;
  chain_add(chain, "sigmoid", "");
  chain_join(chain, "add", other);
  chain_join(chain, "add", flat);
}

static void branches(tg_engine *engine) {
  check_layer(engine, 4, 5, 3, "residual block", add_residual);
  check_layer(engine, 4, 5, 3, "two residual blocks", add_residuals);
  check_layer(engine, 4, 5, 3, "a value added to itself", add_double);
  check_layer(engine, 4, 5, 3, "three readers", add_three_readers);
  check_layer(engine, 4, 5, 3, "shared relu", add_shared_relu);
  check_layer(engine, 4, 5, 3, "shared dropout", add_shared_dropout);
  check_layer(engine, 4, 5, 3, "shared flatten", add_shared_flatten);
}

/* The loss reads the node before a final softmax. */
static void check_read_loss_node(tg_engine *engine) {
  tg_chain chain = chain_start(engine, 3, 1, 1, 7);
  chain_add(&chain, "dense", "units", 4.0);
  int32_t first = chain.last;
  chain_add(&chain, "sigmoid", "");
  chain_join(&chain, "add", first);
  chain_add(&chain, "softmax", "");
  CHECK(!chain_finish(&chain, TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 0, TG_OPTIMIZER_SGD, 0));
  tg_dataset *dataset = noise_dataset(engine, 5, 1, 1, 7, TG_LABELS_CLASS, 4, 9);
  check_gradients("an add that the loss reads", &chain, dataset, 5);
  tg_dataset_destroy(engine, dataset);
  tg_model_destroy(engine, chain.model);
}

/* A layer that is called three times, on values of one shape, one of which it gave itself. */
static void add_called_again(tg_chain *chain) {
  chain_add(chain, "dense", "units", 3.0);
  double root = chain->last;
  int32_t first = chain->last;
  chain_add(chain, "relu", "");
  chain_add(chain, "dense", "units,sharesWith", 3.0, root);
  chain_join(chain, "add", first);
  chain_add(chain, "sigmoid", "");
  chain_add(chain, "dense", "units,sharesWith", 3.0, root);
}
static void add_conv_called_again(tg_chain *chain) {
  chain_add(chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", 3.0, 3.0, 3.0, 1.0);
  chain_add(chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding,sharesWith", 3.0, 3.0, 3.0, 1.0,
            (double)chain->last);
}
static void add_norm_called_again(tg_chain *chain) {
  chain_add(chain, "batchNormalization", "");
  chain_add(chain, "batchNormalization", "sharesWith", (double)chain->last);
}

static void called_again(tg_engine *engine) {
  check_layer(engine, 4, 5, 3, "dense called again", add_called_again);
  check_layer(engine, 4, 5, 3, "conv2d called again", add_conv_called_again);
  check_layer(engine, 4, 5, 3, "batchNormalization called again", add_norm_called_again);
}

static void layers(tg_engine *engine) {
  check_layer(engine, 3, 5, 6, "globalAveragePooling2d", add_global_pool);
  check_layer(engine, 3, 5, 6, "adaptiveMaxPooling2d to one cell", add_global_max_pool);
  check_layer(engine, 5, 6, 5, "padded averagePooling2d", add_average_pool_padded);
  check_layer(engine, 5, 6, 5, "padded maxPooling2d", add_max_pool_padded);
  check_layer(engine, 5, 5, 3, "padded conv2d", add_padded_conv);
  check_layer(engine, 3, 5, 6, "batchNormalization", add_norm);
  check_layer(engine, 3, 5, 13, "batchNormalization with relu", add_norm_relu);
  check_layer(engine, 31, 31, 3, "batchNormalization of several chunks", add_norm_relu);
  check_layer(engine, 3, 5, 3, "batchNormalization without center", add_norm_without_center);
  check_layer(engine, 3, 5, 3, "batchNormalization without scale", add_norm_without_scale);
  check_layer(engine, 3, 5, 3, "bare batchNormalization", add_bare_norm);
  check_layer(engine, 2, 2, 3, "batchNormalization of rows", add_norm_of_rows);
  check_layer(engine, 4, 5, 3, "maxPooling2d", add_max_pool);
  check_layer(engine, 5, 6, 5, "overlapping maxPooling2d", add_max_pool_overlapping);
  check_layer(engine, 4, 5, 3, "averagePooling2d", add_average_pool);
  check_layer(engine, 5, 6, 5, "overlapping averagePooling2d", add_average_pool_overlapping);
  check_layer(engine, 3, 3, 6, "relu", add_relu);
  check_layer(engine, 3, 3, 6, "sigmoid", add_sigmoid);
  check_layer(engine, 3, 3, 6, "softmax", add_softmax);
  check_layer(engine, 3, 3, 6, "dropout", add_dropout);
  check_layer(engine, 3, 4, 7, "dense", add_dense);
  check_layer(engine, 3, 4, 7, "dense without bias", add_dense_without_bias);
  check_layer(engine, 4, 5, 3, "penalties", add_penalties);
  check_layer(engine, 5, 5, 3, "conv2d without bias", add_conv_without_bias);
}

static void convolutions(tg_engine *engine) {
  static const double kernels[][2] = {{1, 1}, {1, 3}, {2, 4}, {3, 3}, {5, 5}};
  for (unsigned k = 0; k < 5; k++)
    for (int stride = 1; stride <= 3; stride++)
      for (int same = 0; same <= 1; same++)
        for (int channels = 1; channels <= 9; channels += 4) {
          conv.filters = channels == 5 ? 13 : 3;
          conv.kernel_h = kernels[k][0];
          conv.kernel_w = kernels[k][1];
          conv.stride_h = stride;
          conv.stride_w = stride == 3 ? 1 : stride;
          conv.same = same;
          check_layer(engine, 7, 6, (uint32_t)channels, "conv2d", k % 2 ? add_conv : add_conv_relu);
        }
}

/* Dilation, groups, one group a channel, and the transposed convolution. */
static void wide_convolutions(tg_engine *engine) {
  static const double kernels[][2] = {{1, 2}, {2, 3}, {3, 3}};
  for (unsigned k = 0; k < 3; k++)
    for (int stride = 1; stride <= 3; stride++)
      for (int same = 0; same <= 1; same++)
        for (int dilation = 1; dilation <= 3; dilation++) {
          conv.kernel_h = kernels[k][0];
          conv.kernel_w = kernels[k][1];
          conv.stride_h = stride;
          conv.stride_w = stride == 3 ? 1 : stride;
          conv.same = same;
          conv.dilation_h = dilation;
          conv.dilation_w = dilation == 3 ? 1 : dilation;
          for (int groups = 1; groups <= 6; groups++) {
            if (12 % groups || (groups == 1 && dilation == 1)) continue;
            conv.groups = groups;
            conv.filters = groups == 4 ? 4 : 12;
            check_layer(engine, 7, 6, 12, "conv2d with groups and dilation", add_wide_conv);
          }
          conv.groups = 5;
          conv.filters = 10;
          check_layer(engine, 7, 6, 5, "conv2d with a group a channel", add_wide_conv);
          conv.filters = stride;
          check_layer(engine, 7, 6, 5, "depthwiseConv2d", add_depthwise);
          conv.filters = 5;
          check_layer(engine, 3, 4, 6, "conv2dTranspose", add_transposed);
          if (dilation == 1) check_layer(engine, 3, 4, 3, "conv2dTranspose with output padding", add_transposed_padded);
        }
}

/* The layers over steps, between layers over steps. */
static void check_steps(tg_engine *engine, const char *what, const char *op, const char *attributes, double a, double b,
                        double c, double d, double e) {
  tg_chain chain = chain_start_steps(engine, 11, 9, 2);
  chain_add(&chain, "conv1d", "filters,kernelHeight,kernelWidth", 6.0, 1.0, 2.0);
  chain_add(&chain, op, attributes, a, b, c, d, e);
  chain_add(&chain, "flatten", "");
  chain_add(&chain, "dense", "units", 3.0);
  CHECK(!chain_finish(&chain, TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 1, TG_OPTIMIZER_SGD, 0));
  tg_dataset *dataset = noise_dataset(engine, 3, 1, 9, 2, TG_LABELS_CLASS, 3, 5);
  check_gradients(what, &chain, dataset, 3);
  tg_dataset_destroy(engine, dataset);
  tg_model_destroy(engine, chain.model);
}

static void steps(tg_engine *engine) {
  const char *kernel = "filters,kernelHeight,kernelWidth,dilationWidth,groups";
  check_steps(engine, "conv1d", "conv1d", kernel, 5, 1, 3, 1, 1);
  check_steps(engine, "dilated conv1d", "conv1d", kernel, 4, 1, 3, 2, 2);
  check_steps(engine, "conv1d of 17 filters", "conv1d", kernel, 17, 1, 3, 1, 1);
  const char *pool = "poolHeight,poolWidth,strideHeight,strideWidth,samePadding";
  check_steps(engine, "maxPooling1d", "maxPooling1d", pool, 1, 2, 1, 2, 0);
  check_steps(engine, "averagePooling1d", "averagePooling1d", pool, 1, 3, 1, 2, 1);
  check_steps(engine, "adaptiveMaxPooling1d", "adaptiveMaxPooling1d", "outputWidth", 3, 0, 0, 0, 0);
  check_steps(engine, "adaptiveAveragePooling1d", "adaptiveAveragePooling1d", "outputWidth", 5, 0, 0, 0, 0);
  check_steps(engine, "globalAveragePooling1d", "globalAveragePooling1d", "", 0, 0, 0, 0, 0);
}

/* Enough channels for Winograd: whole and cut tiles, without and with padding. */
static void winograd_convolutions(tg_engine *engine) {
  static const double sizes[][3] = {{11, 10, 0}, {10, 10, 0}, {9, 10, 1}, {8, 8, 1}};
  for (unsigned i = 0; i < 4; i++) {
    const uint32_t height = (uint32_t)sizes[i][0], width = (uint32_t)sizes[i][1], pad = (uint32_t)sizes[i][2];
    const uint32_t out_h = pad ? height : height - 2, out_w = pad ? width : width - 2;
    const tg_conv2d_shape s = {height, width, 17, out_h, out_w, 16, 3, 3, 1, 1, pad, .pad_left = pad};
    CHECK_MESSAGE(tg_winograd_pays(&s, 3), "%u x %u, pad %u", height, width, pad);
    conv.filters = 16;
    conv.kernel_h = conv.kernel_w = 3;
    conv.stride_h = conv.stride_w = 1;
    conv.same = pad;
    check_layer(engine, height, width, 17, "conv2d by Winograd", add_conv_relu);
  }
}

/* Losses behind a dense layer, with and without the activation that they absorb. */
static void check_loss(tg_engine *engine, const char *what, tg_loss loss, int from_logits, const char *activation,
                       uint32_t outputs, tg_label_type labels, uint32_t label_size) {
  tg_chain chain = chain_start(engine, 3, 1, 1, 7);
  chain_add(&chain, "dense", "units", (double)outputs);
  if (activation) chain_add(&chain, activation, "");
  CHECK(!chain_finish(&chain, loss, from_logits, TG_OPTIMIZER_ADAM, 0));
  tg_dataset *dataset = noise_dataset(engine, 5, 1, 1, 7, labels, label_size, 9);
  check_gradients(what, &chain, dataset, 5);
  tg_dataset_destroy(engine, dataset);
  tg_model_destroy(engine, chain.model);
}

/* An output of several dimensions, whose last one is a choice for some losses. */
static void check_image_loss(tg_engine *engine, const char *what, tg_loss loss) {
  tg_chain chain = chain_start(engine, 3, 3, 2, 2);
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth", 3.0, 1.0, 1.0);
  CHECK(!chain_finish(&chain, loss, 1, TG_OPTIMIZER_SGD, 0));
  tg_dataset *dataset = noise_dataset(engine, 4, 3, 2, 2, TG_LABELS_VALUES, 18, 9);
  check_gradients(what, &chain, dataset, 4);
  tg_dataset_destroy(engine, dataset);
  tg_model_destroy(engine, chain.model);
}

/* Smoothed labels, weights of samples and of classes. */
static void check_weighted_loss(tg_engine *engine) {
  tg_chain chain = chain_start(engine, 3, 1, 1, 7);
  chain_add(&chain, "dense", "units", 4.0);
  CHECK(!chain_finish(&chain, TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 1, TG_OPTIMIZER_SGD, 0));
  const double options[] = {1, 0.3}, rate = 0;
  CHECK(!chain_compile(&chain, TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, "fromLogits,labelSmoothing", options, 2,
                       TG_OPTIMIZER_SGD, "learningRate", &rate, 1));
  tg_dataset *dataset = noise_dataset(engine, 5, 1, 1, 7, TG_LABELS_CLASS, 4, 9);
  float *weights = tg_dataset_weights(engine, dataset);
  for (int i = 0; i < 5; i++) weights[i] = (float)(i - 1) / 2;
  CHECK(!tg_dataset_seal(engine, dataset));
  const tg_real of_classes[3] = {2, 0.5, 3};
  CHECK(!tg_train_class_weights(engine, chain.model, of_classes, 3));
  check_gradients("weighted and smoothed", &chain, dataset, 5);
  tg_dataset_destroy(engine, dataset);
  tg_model_destroy(engine, chain.model);
}

static void losses(tg_engine *engine) {
  const tg_loss sparse = TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, categorical = TG_LOSS_CATEGORICAL_CROSSENTROPY;
  const tg_loss binary = TG_LOSS_BINARY_CROSSENTROPY, squared = TG_LOSS_MEAN_SQUARED_ERROR;
  check_loss(engine, "sparse, logits", sparse, 1, NULL, 4, TG_LABELS_CLASS, 4);
  check_loss(engine, "sparse, softmax", sparse, 0, "softmax", 4, TG_LABELS_CLASS, 4);
  check_loss(engine, "sparse, probabilities", sparse, 0, "sigmoid", 4, TG_LABELS_CLASS, 4);
  check_loss(engine, "categorical, logits", categorical, 1, NULL, 4, TG_LABELS_VALUES, 4);
  check_loss(engine, "categorical, softmax", categorical, 0, "softmax", 4, TG_LABELS_VALUES, 4);
  check_loss(engine, "categorical, probabilities", categorical, 0, "sigmoid", 4, TG_LABELS_VALUES, 4);
  check_loss(engine, "binary, logits", binary, 1, NULL, 1, TG_LABELS_CLASS, 2);
  check_loss(engine, "binary, sigmoid", binary, 0, "sigmoid", 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "binary, probabilities", binary, 0, "softmax", 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "squared error", squared, 0, NULL, 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "squared error, softmax", squared, 0, "softmax", 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "squared error, classes", squared, 0, "sigmoid", 1, TG_LABELS_CLASS, 2);
  check_loss(engine, "absolute error", TG_LOSS_MEAN_ABSOLUTE_ERROR, 0, NULL, 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "huber", TG_LOSS_HUBER, 0, NULL, 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "log cosh", TG_LOSS_LOG_COSH, 0, NULL, 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "squared logarithm", TG_LOSS_MEAN_SQUARED_LOGARITHMIC_ERROR, 0, "sigmoid", 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "poisson", TG_LOSS_POISSON, 0, "sigmoid", 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "divergence", TG_LOSS_KL_DIVERGENCE, 0, "softmax", 4, TG_LABELS_VALUES, 4);
  check_loss(engine, "cosine", TG_LOSS_COSINE_SIMILARITY, 0, NULL, 4, TG_LABELS_VALUES, 4);
  check_loss(engine, "hinge", TG_LOSS_HINGE, 0, NULL, 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "hinge, classes", TG_LOSS_HINGE, 0, NULL, 1, TG_LABELS_CLASS, 2);
  check_loss(engine, "squared hinge", TG_LOSS_SQUARED_HINGE, 0, NULL, 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "categorical hinge", TG_LOSS_CATEGORICAL_HINGE, 0, NULL, 4, TG_LABELS_VALUES, 4);
  const tg_loss focal = TG_LOSS_BINARY_FOCAL_CROSSENTROPY, focals = TG_LOSS_CATEGORICAL_FOCAL_CROSSENTROPY;
  check_loss(engine, "binary focal, logits", focal, 1, NULL, 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "binary focal, probabilities", focal, 0, "softmax", 3, TG_LABELS_VALUES, 3);
  check_loss(engine, "categorical focal, softmax", focals, 0, "softmax", 4, TG_LABELS_VALUES, 4);
  check_loss(engine, "categorical focal, probabilities", focals, 0, "sigmoid", 4, TG_LABELS_VALUES, 4);
  check_image_loss(engine, "images, squared error", squared);
  check_image_loss(engine, "images, cross-entropy of the channels", categorical);
  check_image_loss(engine, "images, cosine of the channels", TG_LOSS_COSINE_SIMILARITY);
  check_weighted_loss(engine);
}

int main(void) {
  tg_engine *engine = tg_engine_create(2, 16);
  layers(engine);
  branches(engine);
  check_read_loss_node(engine);
  called_again(engine);
  convolutions(engine);
  wide_convolutions(engine);
  steps(engine);
  winograd_convolutions(engine);
  losses(engine);
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);
  tg_engine_destroy(engine);
  return test_report();
}

#else

int main(void) {
  printf("finite differences run in the double build\n");
  return test_report();
}

#endif
