/** The table that Keras prints, as text and as data. */

/**
 * @typedef {import('./host-model.js').LayerFacts} LayerFacts
 *
 * @typedef {object} Summary
 * @property {LayerFacts[]} layers
 * @property {number} parameters
 * @property {number} macs multiply-accumulates a sample, forward
 * @property {string} text the table, without a final line break
 */

/**
 * @param {import('./host-model.js').ModelFacts} facts
 * @returns {Summary}
 */
export function summarize({ name, layers, parameters, macs }) {
  const rows = [
    ['Layer (type)', 'Output shape', 'Parameters', 'MACs'],
    ...layers.map((layer) => [
      `${layer.name} (${layer.type})`,
      `[${layer.outputShape.join(', ')}]`,
      grouped(layer.parameters),
      grouped(layer.macs),
    ]),
    ['Total', '', grouped(parameters), grouped(macs)],
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
  const body = lines.slice(1, -1);
  const text = [`Model: ${name}`, lines[0], rule, ...body, rule, lines.at(-1)].join('\n');
  return { layers: layers.map((layer) => ({ ...layer })), parameters, macs, text };
}

/** @param {number} value whole @returns {string} 122,570 whatever the locale */
function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
