/** Network and settings. The learning rate can change while it trains; the rest waits for the end. */
import { isAllowed } from '../app/phases.js';
import { usualRate } from '../app/presets/index.js';
import { byId } from '../ui/dom.js';

/** @typedef {import('../app/state.js').Settings} Settings */

const NUMBERS = /** @type {const} */ ([
  'epochs',
  'batchSize',
  'learningRate',
  'seed',
  'imageSize',
  'limit',
]);

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
  /** What is being typed, which must not be replaced under the person's fingers. @type {EventTarget | null} */
  let typing = null;
  form.addEventListener('input', (event) => {
    typing = event.target;
  });
  form.addEventListener('change', (event) => {
    typing = null;
    const input = /** @type {HTMLInputElement} */ (event.target);
    const name = /** @type {keyof Settings} */ (input.name);
    if (name === 'optimizer') {
      const optimizer = /** @type {Settings['optimizer']} */ (input.value);
      const learningRate = usualRate(store.state.settings.preset, optimizer);
      void session.configure({ optimizer, learningRate });
      return;
    }
    if (name === 'limit' && input.value === '' && input.checkValidity()) {
      void session.configure({ limit: null });
      return;
    }
    // A number the browser itself refuses goes back to the last good one; the engine checks again.
    if (!input.checkValidity() || input.value === '' || !(Number(input.value) >= 0)) {
      input.value = String(store.state.settings[name] ?? '');
    } else void session.configure({ [name]: Number(input.value) });
  });
  for (const preset of presets) {
    preset.addEventListener('change', () => {
      void session.configure({ preset: /** @type {Settings['preset']} */ (preset.value) });
    });
  }

  /** A field that had the focus when it was closed, and gets it back. @type {HTMLElement | null} */
  let waiting = null;
  const show = () => {
    const { settings, phase } = store.state;
    const focused = document.activeElement;
    const open = isAllowed('configure', phase);
    for (const name of NUMBERS) {
      const action = name === 'learningRate' ? 'setLearningRate' : 'configure';
      field(name).disabled = !isAllowed(action, phase);
      if (field(name).disabled || field(name) !== typing) {
        field(name).value = String(settings[name] ?? '');
      }
    }
    const ofFolder = settings.preset === 'S2';
    byId('image-size-label').hidden = field('imageSize').hidden = !ofFolder;
    field('optimizer').value = settings.optimizer;
    field('optimizer').disabled = !open;
    for (const preset of presets) {
      preset.checked = preset.value === settings.preset;
      preset.disabled = !open;
    }
    if (focused instanceof HTMLInputElement && focused.disabled) waiting = focused;
    else if (waiting instanceof HTMLInputElement && !waiting.disabled) {
      if (focused === document.body) waiting.focus();
      waiting = null;
    }
  };
  store.watch(['settings', 'phase'], show);

  // On a phone the curves matter more than the settings: closed until asked for.
  if (matchMedia('(max-width: 60rem)').matches) byId('settings').removeAttribute('open');
}
