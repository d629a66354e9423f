/** Network and settings. The learning rate can change while it trains; the rest waits for the end. */
import { isAllowed } from '../app/phases.js';
import { byId } from '../ui/dom.js';

/** @typedef {import('../app/state.js').Settings} Settings */

const NUMBERS = /** @type {const} */ (['epochs', 'batchSize', 'learningRate', 'seed']);

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/session.js').Session} session
 */
export function mountSettings(store, session) {
  /** @type {HTMLFormElement} */
  const form = byId('settings-form');
  const presets = /** @type {NodeListOf<HTMLInputElement>} */ (
    byId('presets').querySelectorAll('input[name=preset]')
  );
  /** @param {keyof Settings} name */
  const field = (name) =>
    /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));

  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('change', (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const name = /** @type {keyof Settings} */ (input.name);
    if (name === 'optimizer') {
      // The usual rate of each: a change of rule with the other's rate rarely learns.
      const optimizer = /** @type {Settings['optimizer']} */ (input.value);
      void session.configure({ optimizer, learningRate: optimizer === 'adam' ? 0.001 : 0.01 });
      return;
    }
    // A number the browser itself refuses goes back to the last good one; the engine checks again.
    if (!input.checkValidity() || input.value === '' || !(Number(input.value) >= 0)) show();
    else void session.configure({ [name]: Number(input.value) });
  });
  for (const preset of presets) {
    preset.addEventListener('change', () => {
      void session.configure({ preset: /** @type {Settings['preset']} */ (preset.value) });
    });
  }

  const show = () => {
    const { settings, phase } = store.state;
    const open = isAllowed('configure', phase);
    for (const name of NUMBERS) {
      field(name).value = String(settings[name]);
      field(name).disabled = !open;
    }
    field('optimizer').value = settings.optimizer;
    field('optimizer').disabled = !open;
    field('learningRate').disabled = !isAllowed('setLearningRate', phase);
    for (const preset of presets) {
      preset.checked = preset.value === settings.preset;
      preset.disabled = !open;
    }
  };
  store.watch(['settings', 'phase'], show);

  // On a phone the curves matter more than the settings: closed until asked for.
  if (matchMedia('(max-width: 60rem)').matches) byId('settings').removeAttribute('open');
}
