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
  const [head, rule, ...lines] = table([
    ['Layer (type)', 'Output shape', 'Parameters', 'MACs'],
    ...layers.map((layer) => [
      `${layer.name} (${layer.type})`,
      `[${layer.outputShape.join(', ')}]`,
      layer.parameters,
      layer.macs,
    ]),
    ['Total', '', parameters, macs],
    ['Trainable', '', trainableParameters, ''],
    ['Non-trainable', '', nonTrainableParameters, ''],
  ]);
  lines.splice(layers.length, 0, rule);
  const text = [`Model: ${name}`, head, rule, ...lines].join('\n');
  return {
    layers: layers.map((layer) => ({ ...layer })),
    parameters,
    trainableParameters,
    nonTrainableParameters,
    macs,
    text,
  };
}

/**
 * @param {(string | number)[][]} rows the head first; a column of numbers stands to the right
 * @returns {string[]} lines, with a rule below the head
 */
export function table(rows) {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? grouped(cell) : cell)),
  );
  const widths = rows[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) =>
        typeof rows[1][column] === 'number'
          ? cell.padStart(widths[column])
          : cell.padEnd(widths[column]),
      )
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)));
  return lines;
}

/** @param {number} value whole @returns {string} 122,570 whatever the locale */
function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
