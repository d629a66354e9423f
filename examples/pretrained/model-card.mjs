/** The model card for people. */

/**
 * @param {{ recipe: Record<string, unknown>, seed: number, testAccuracy: number, testCorrect: number,
 *   testCorrectByBuild: { plain: number, relaxed?: number }, testCount: number, date: string, machine: string, command: string }} card
 * @param {import('./train-s1.mjs').EpochRecord[]} curve
 */
export function modelCard(card, curve) {
  const { recipe, seed, testAccuracy, testCorrect, testCount, date, machine, command } = card;
  const { relaxed } = card.testCorrectByBuild;
  const rows = curve.map(
    ({ epoch, loss, accuracy, valLoss, valAccuracy }) =>
      `| ${epoch} | ${loss.toFixed(4)} | ${percent(accuracy)} | ${valLoss.toFixed(4)} | ${percent(valAccuracy)} |`,
  );
  return `# S1: a small convolutional network for CIFAR-10

Conv 32@3x3 ReLU, MaxPool 2, Conv 64@3x3 ReLU, MaxPool 2, Conv 64@3x3 ReLU, Flatten, Dense 64 ReLU, Dense 10 logits;
122,570 parameters. Input: 32x32 RGB pixels divided by 255. Weights: \`s1.safetensors\`, which PyTorch and others open.

**Test accuracy ${percent(testAccuracy)} %** (${testCorrect} of ${testCount} images, all of the test set, after the last epoch; nothing was chosen
by it)${relaxed === undefined ? '' : `; the relaxed SIMD build, which rounds differently, gets ${relaxed} right`}.

- Data: ${recipe.data}
- Training: ${recipe.optimizer}; ${recipe.loss}; batch size ${recipe.batchSize}; ${recipe.epochs} epochs; seed ${seed}
- Made with tabgrad on ${date}: ${machine}
- Command: \`${command}\`

| epoch | train loss | train accuracy % | test loss | test accuracy % |
| ----- | ---------- | ---------------- | --------- | --------------- |
${rows.join('\n')}

It is a demonstration: it knows ten classes, sees 32x32 pixels, and is wrong on about three images of ten. A photo of anything else
gets one of the ten names as well. CIFAR-10: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
`;
}

/** @param {number} share */
function percent(share) {
  return (100 * share).toFixed(2);
}
