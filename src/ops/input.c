/* input: where a batch enters the graph. */
#include "../op.h"

enum { HEIGHT, WIDTH, CHANNELS, RANK };

static const tg_attribute attributes[] = {
    {"height", 1, 1, TG_MAX_SIZE, 1},
    {"width", 1, 1, TG_MAX_SIZE, 1},
    {"channels", TG_REQUIRED, 1, TG_MAX_SIZE, 1},
    {"rank", 3, 1, 3, 1}, /* 3: (height, width, channels); 2: (width, channels); 1: (channels) */
};

static tg_status infer(tg_graph *graph, tg_node *node) {
  uint32_t height = tg_attribute_u32(node, HEIGHT), width = tg_attribute_u32(node, WIDTH);
  uint32_t channels = tg_attribute_u32(node, CHANNELS);
  switch (tg_attribute_u32(node, RANK)) {
    case 3:
      node->shape = (tg_shape){3, {height, width, channels, 1}};
      return TG_OK;
    case 2:
      if (height == 1) {
        node->shape = (tg_shape){2, {width, channels, 1, 1}};
        return TG_OK;
      }
      break;
    case 1:
      if (height == 1 && width == 1) {
        node->shape = (tg_shape){1, {channels, 1, 1, 1}};
        return TG_OK;
      }
      break;
  }
  return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': %u x %u x %u is not a shape of %u dimensions (1, 2 or 3)",
                 node->name, height, width, channels, tg_attribute_u32(node, RANK));
}

const tg_op tg_op_input = {.name = "input", .attributes = attributes, .n_attributes = 4, .infer = infer};
