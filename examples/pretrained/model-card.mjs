/** The model card for people. */

/**
 * @param {{ file: string, parameters: number, recipe: { data: string, optimizer: string, loss: string, batchSize: number, epochs: number },
 *   seed: number, testAccuracy: number, testCorrect: number, testCorrectByBuild: { plain: number, relaxed?: number }, testCount: number,
 *   date: string, machine: string, command: string }} card
 * @param {import('./recipes.mjs').Recipe} words
 * @param {import('./train.mjs').EpochRecord[]} curve
 */
export function modelCard(card, words, curve) {
  const { file, parameters, recipe, seed, testAccuracy, testCorrect, testCount } = card;
  const { date, machine, command } = card;
  const { relaxed } = card.testCorrectByBuild;
  const rows = curve.map(
    ({ epoch, loss, accuracy, valLoss, valAccuracy }) =>
      `| ${epoch} | ${loss.toFixed(4)} | ${percent(accuracy)} | ${valLoss.toFixed(4)} | ${percent(valAccuracy)} |`,
  );
  return `# ${words.title}

${words.network};
${parameters.toLocaleString('en')} parameters. Input: 32x32 RGB pixels divided by 255. Weights: \`${file}\`, which PyTorch and others open.

**Test accuracy ${percent(testAccuracy)} %** (${testCorrect} of ${testCount} images, all of the test set, after the last epoch; nothing was chosen
by it)${relaxed === undefined ? '' : `; the relaxed SIMD build, which rounds differently, gets ${relaxed} right`}.

- Data: ${recipe.data}
- Training: ${recipe.optimizer}; ${recipe.loss}; batch size ${recipe.batchSize}; ${recipe.epochs} epochs; seed ${seed}
- Made with tabgrad on ${date}: ${machine}
- Command: \`${command}\`

| epoch | train loss | train accuracy % | test loss | test accuracy % |
| ----- | ---------- | ---------------- | --------- | --------------- |
${rows.join('\n')}

It is a demonstration: it knows ten classes, sees 32x32 pixels, and is wrong on about ${tenths(1 - testAccuracy)}. A photo of anything else
gets one of the ten names as well. CIFAR-10: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
`;
}

/** @param {number} share */
function percent(share) {
  return (100 * share).toFixed(2);
}

/** @param {number} share @returns {string} in words, such as "three images of ten" */
function tenths(share) {
  const words = ['one image', 'two images', 'three images', 'four images', 'five images'];
  const n = Math.round(10 * share);
  return n >= 1 && n <= words.length ? `${words[n - 1]} of ten` : `${percent(share)} % of images`;
}
