/**
 * What the pretrained S1 saw in a picture, drawn as text: the picture and maps of six methods.
 *
 *     node examples/explain.mjs [--picture 3] [--samples 1000] [--threads 2]
 */

import { datasets, dispose, init, load } from 'tabgrad';
import {
  gradCam,
  heatmap,
  integratedGradients,
  kernelShap,
  lime,
  occlusion,
  saliency,
} from 'tabgrad/explain';
import { numberOptions } from './options.mjs';

const { picture, samples, threads } = numberOptions({
  picture: 3,
  samples: 1000,
  threads: undefined,
});
const SHADES = ' .:-=+*#%@';

await init({ threads });
const source = new URL('../web/public/', import.meta.url);
const { test, classNames } = await datasets.cifar10Sample({ source: new URL('sample/', source) });
const model = await load(new URL('pretrained/s1.safetensors', source));

const { x, y } = await test.read(picture, 1);
const scores = await model.predict(x);
const target = scores.indexOf(Math.max(...scores));
console.log(`${classNames[Number(y?.[0])]}, recognised as ${classNames[target]}`);
draw(Float32Array.from({ length: 1024 }, (_, i) => (x[3 * i] + x[3 * i + 1] + x[3 * i + 2]) / 765));

// Of the logit: the probability of a class that is certain hardly changes.
const options = { target, beforeActivation: true };
await show('Grad-CAM', () => gradCam(model, x, options));
await show('saliency', () => saliency(model, x, options));
await show('integrated gradients', () => integratedGradients(model, x, options));
await show('occlusion', () => occlusion(model, x, options));
await show('LIME', async () => {
  const { map, fits } = await lime(model, x, { ...options, samples });
  console.log(`R² of the linear model ${fits[0].toFixed(2)}`);
  return map;
});
await show('SHAP', async () => {
  const found = await kernelShap(model, x, { ...options, samples, segmentCount: 25 });
  const sum = found.values[0].reduce((total, value) => total + value, 0);
  const gain = found.scores[0] - found.bases[0];
  console.log(
    `values sum to ${sum.toFixed(3)}, the score is ${gain.toFixed(3)} above the baseline's`,
  );
  return found.map;
});
await dispose();

/** @param {string} title @param {() => Promise<import('tabgrad').Tensor>} explain */
async function show(title, explain) {
  console.log(`\n${title}`);
  const start = performance.now();
  const map = await explain();
  console.log(`${Math.round(performance.now() - start)} ms`);
  // What speaks for the class is drawn, what speaks against it is left blank.
  draw(heatmap(map, { absolute: false, channels: 'sum' }));
}

/** Two rows of pixels are a line, since letters are twice as high as wide. @param {Float32Array} shades */
function draw(shades) {
  for (let row = 0; row < 32; row += 2) {
    const line = Array.from({ length: 32 }, (_, column) => {
      const value = (shades[row * 32 + column] + shades[(row + 1) * 32 + column]) / 2;
      return SHADES[Math.min(9, Math.floor(10 * Math.max(0, value)))];
    });
    console.log(line.join('').trimEnd());
  }
}
