/** A network as a graph in Keras's names, which tabgrad and TensorFlow.js share. */

/**
 * @typedef {import('../networks.mjs').LayerSpec} LayerSpec
 *
 * @param {import('../networks.mjs').Network} network
 * @param {any} library whose `input` and `layers` it is built of
 * @returns {{ inputs: any, outputs: any }}
 */
export function kerasGraph(network, library) {
  const { layers } = library;
  const inputs = library.input({ shape: network.input });
  return { inputs, outputs: network.layers.reduce(apply, inputs) };

  /** @param {any} x @param {LayerSpec} layer @returns {any} */
  function apply(x, layer) {
    switch (layer.type) {
      case 'conv':
        return convolve(x, layer);
      case 'residual': {
        const branches = [layer.body.reduce(apply, x), layer.shortcut.reduce(apply, x)];
        return layers.reLU().apply(layers.add().apply(branches));
      }
      case 'pool':
        return layers.maxPooling2d({ poolSize: 2 }).apply(x);
      case 'average':
        return layers.globalAveragePooling2d({}).apply(x);
      case 'flatten':
        return layers.flatten().apply(x);
      case 'dropout':
        return layers.dropout({ rate: layer.rate }).apply(x);
      default: {
        const activation = layer.relu ? 'relu' : 'linear';
        return layers.dense({ units: layer.units, activation }).apply(x);
      }
    }
  }

  /** @param {any} x @param {import('../networks.mjs').ConvSpec} layer */
  function convolve(x, { filters, kernel, stride, same, norm, relu }) {
    const conv = layers.conv2d({
      filters,
      kernelSize: kernel,
      strides: stride,
      padding: same ? 'same' : 'valid',
      useBias: !norm,
      activation: relu && !norm ? 'relu' : 'linear',
    });
    if (!norm) return conv.apply(x);
    const normal = layers.batchNormalization().apply(conv.apply(x));
    return relu ? layers.reLU().apply(normal) : normal;
  }
}
