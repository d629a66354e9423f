/** The weights shipped with the page, and the card that says how they were made. */

/**
 * @typedef {object} ModelCard
 * @property {string} file name of the weights beside the card
 * @property {import('./presets/index.js').PresetId} architecture
 * @property {Record<string, unknown>} recipe
 * @property {number} seed
 * @property {number} testAccuracy 0 … 1
 * @property {number} testCorrect
 * @property {Record<string, number>} testCorrectByBuild builds round differently
 * @property {number} testCount
 * @property {string} date
 * @property {string} machine
 * @property {string} command
 */

/** @typedef {{ card: ModelCard, correct: number, count: number }} PretrainedReport */

const FOLDER = 'pretrained/';

/** An error with a code, in the manner of the library. */
class MissingFileError extends Error {
  code = 'E_LOAD';
}

/**
 * @param {import('./presets/index.js').PresetId} preset
 * @returns {Promise<ModelCard>}
 */
export async function fetchCard(preset) {
  const name = `${preset.toLowerCase()}.json`;
  const answer = await fetchFile(name);
  try {
    return await answer.json();
  } catch {
    // A static host may answer a missing file with its index page.
    throw new MissingFileError(`The model card ${name} is not on this server.`);
  }
}

/** @param {ModelCard} card */
export async function fetchWeights(card) {
  return new Uint8Array(await (await fetchFile(card.file)).arrayBuffer());
}

/** @param {string} name */
async function fetchFile(name) {
  const answer = await fetch(new URL(FOLDER + name, document.baseURI)).catch((cause) => {
    throw new MissingFileError(`${name} could not be fetched.`, { cause });
  });
  if (!answer.ok) throw new MissingFileError(`${name}: the server answered ${answer.status}.`);
  return answer;
}
