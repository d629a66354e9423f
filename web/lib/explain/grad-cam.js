/** Grad-CAM. */

import { ConfigError, ShapeError } from '../errors.js';
import { needBoolean, wrongType } from '../options.js';
import { openSubject } from './subject.js';
import { resize } from './resize.js';

/** Layers that pass values on: their input tells the same, more sharply. */
const PASSES_ON = /pooling|dropout|noise|padding|cropping|upSampling|reshape|permute/i;

/**
 * Where a layer of pictures found what speaks for a class: its channels, each times the mean of its gradient, summed; what
 * speaks against the class is left out (ReLU).
 *
 * Source: Selvaraju et al. 2017, "Grad-CAM".
 *
 * @param {import('../model.js').Model} model of one input, of floats
 * @param {unknown} x samples or a `Dataset` of pictures
 * @param {import('./subject.js').ExplainOptions & { mapsOf?: string, resize?: boolean }} [options] mapsOf: the layer whose
 *   channels are looked at; default the last that gives [height, width, channels] of more than one place and is no pooling,
 *   dropout or reshaping. resize: to the input's height and width, bilinearly; default true. beforeActivation default true:
 *   the class's logit
 * @returns {Promise<import('../inspect.js').Tensor>} [n, height, width], from 0 up
 * @throws {ConfigError} there is no such layer, or none that gives pictures
 * @throws {GraphError} the class does not depend on the layer
 * @throws {ShapeError} {LabelRangeError} {InputTypeError} {UnsupportedError} {AbortedError} naming the field
 */
export async function gradCam(model, x, options) {
  const where = { what: 'gradCam' };
  const names = /** @type {const} */ (['mapsOf', 'resize']);
  const { subject, own } = await openSubject(model, x, options, names, where, true);
  const enlarges = needBoolean(own.resize ?? true, 'resize', where);
  const layer = own.mapsOf ?? lastPictures(model);
  if (typeof layer !== 'string') throw wrongType(layer, 'mapsOf', 'the name of a layer', where);
  const { count } = subject;
  /** @type {Float32Array[]} */
  const maps = [];
  let size = [0, 0];
  subject.expect(count);
  await subject.gradients(
    count,
    (sample, into) => {
      into.set(subject.sample(sample));
      return sample;
    },
    (gradients, values, samples) => {
      const [, height, width, channels] = values.shape;
      if (values.shape.length !== 4) {
        throw new ShapeError(
          `gradCam: layer '${layer}' gives [${values.shape.slice(1).join(', ')}], expected [height, width, channels].`,
          { layer, field: 'mapsOf' },
        );
      }
      size = [height, width];
      samples.forEach((_, i) => {
        const at = i * height * width * channels;
        const end = at + height * width * channels;
        maps.push(weighted(values.subarray(at, end), gradients.subarray(at, end), channels));
      });
    },
    layer,
  );
  const [height, width] = subject.shape;
  if (enlarges && subject.shape.length === 3) {
    const enlarged = maps.map((map) => resize(map, size, [height, width]));
    return stack(enlarged, [count, height, width]);
  }
  return stack(maps, [count, ...size]);
}

/**
 * @param {Float32Array} values [places, channels]
 * @param {Float32Array} gradients the same
 * @param {number} channels
 * @returns {Float32Array} [places]
 */
function weighted(values, gradients, channels) {
  const places = values.length / channels;
  const weights = new Float64Array(channels);
  gradients.forEach((gradient, i) => (weights[i % channels] += gradient / places));
  return Float32Array.from({ length: places }, (_, place) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += weights[c] * values[place * channels + c];
    return Math.max(sum, 0);
  });
}

/** @param {import('../model.js').Model} model @returns {string} */
function lastPictures(model) {
  const { layers } = model.summary();
  const found = layers.findLast(
    ({ type, outputShape: [height, width, channels] }) =>
      channels !== undefined && height * width > 1 && !PASSES_ON.test(type),
  );
  if (found && found.type !== 'inputLayer') return found.name;
  throw new ConfigError('gradCam: no layer gives [height, width, channels]; there is no map.', {
    field: 'mapsOf',
  });
}

/** @param {Float32Array[]} parts @param {number[]} shape */
function stack(parts, shape) {
  const all = new Float32Array(shape.reduce((product, length) => product * length, 1));
  parts.forEach((part, i) => all.set(part, i * part.length));
  return Object.assign(all, { shape });
}
