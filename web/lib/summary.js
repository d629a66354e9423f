/** The table that Keras prints, as text and as data. */

/**
 * @typedef {import('./host-model.js').LayerFacts} LayerFacts
 *
 * @typedef {object} Summary
 * @property {LayerFacts[]} layers
 * @property {number} parameters
 * @property {number} trainableParameters
 * @property {number} nonTrainableParameters moving averages, which gradients do not change
 * @property {number} macs multiply-accumulates a sample, forward
 * @property {string} text the table, without a final line break
 */

/**
 * @param {import('./host-model.js').ModelFacts} facts
 * @returns {Summary}
 */
export function summarize({ name, layers, parameters, trainableParameters, macs }) {
  const nonTrainableParameters = parameters - trainableParameters;
  const rows = [
    ['Layer (type)', 'Output shape', 'Parameters', 'MACs'],
    ...layers.map((layer) => [
      `${layer.name} (${layer.type})`,
      `[${layer.outputShape.join(', ')}]`,
      grouped(layer.parameters),
      grouped(layer.macs),
    ]),
    ['Total', '', grouped(parameters), grouped(macs)],
    ['Trainable', '', grouped(trainableParameters), ''],
    ['Non-trainable', '', grouped(nonTrainableParameters), ''],
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join('  ')
      .trimEnd(),
  );
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  const end = layers.length + 1;
  const body = lines.slice(1, end);
  const text = [`Model: ${name}`, lines[0], rule, ...body, rule, ...lines.slice(end)].join('\n');
  return {
    layers: layers.map((layer) => ({ ...layer })),
    parameters,
    trainableParameters,
    nonTrainableParameters,
    macs,
    text,
  };
}

/** @param {number} value whole @returns {string} 122,570 whatever the locale */
function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
