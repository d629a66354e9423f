/**
 * The confusion matrix as a table of buttons: one blue that deepens (readable without colour vision,
 * the number is always there), arrow keys move between cells, a press shows the cell's images.
 */
import { make, setText } from '../ui/dom.js';

/** @typedef {import('../app/confusion.js').Confusion} Confusion */

export class ConfusionTable {
  /** @type {HTMLButtonElement[]} row by row */
  #cells = [];
  #classes = 0;
  /** @type {readonly string[]} */
  #classNames = [];

  /**
   * @param {HTMLTableElement} table
   * @param {(cell: import('../app/confusion.js').CellChoice) => void} onChoose
   */
  constructor(table, onChoose) {
    this.table = table;
    this.onChoose = onChoose;
    table.addEventListener('click', (event) => {
      const index = this.#cells.indexOf(/** @type {HTMLButtonElement} */ (event.target));
      if (index < 0) return;
      this.#focus(index);
      onChoose({ truth: Math.floor(index / this.#classes), answer: index % this.#classes });
    });
    table.addEventListener('keydown', (event) => this.#move(event));
  }

  /**
   * @param {Confusion} confusion
   * @param {readonly string[]} classNames
   * @param {'counts' | 'share'} mode
   * @param {import('../app/confusion.js').CellChoice | null} chosen
   */
  show({ classes, counts }, classNames, mode, chosen) {
    if (this.#classNames !== classNames) this.#build(classNames);
    for (let truth = 0; truth < classes; truth++) {
      const row = counts.subarray(truth * classes, (truth + 1) * classes);
      const total = row.reduce((sum, n) => sum + n, 0);
      row.forEach((n, answer) => {
        const share = total ? n / total : 0;
        const cell = this.#cells[truth * classes + answer];
        setText(cell, mode === 'counts' ? String(n) : String(Math.round(share * 100)));
        // The square root spreads the small shares, where the mistakes are.
        cell.style.setProperty('--depth', Math.sqrt(share).toFixed(3));
        cell.classList.toggle('none', n === 0);
        cell.setAttribute(
          'aria-pressed',
          String(chosen?.truth === truth && chosen.answer === answer),
        );
        cell.setAttribute(
          'aria-label',
          `${n} of ${total} images of ${classNames[truth]} called ${classNames[answer]}`,
        );
      });
    }
  }

  /** @param {readonly string[]} classNames */
  #build(classNames) {
    this.#classNames = classNames;
    this.#classes = classNames.length;
    this.table.style.setProperty('--classes', String(this.#classes));
    const head = make('tr', { role: 'row' }, [
      make('td', { role: 'gridcell' }),
      ...classNames.map((name) =>
        make('th', { scope: 'col', role: 'columnheader', title: name }, [make('span', {}, [name])]),
      ),
    ]);
    this.#cells = [];
    const rows = classNames.map((name) => {
      const cells = classNames.map(() => {
        const button = make('button', { type: 'button', tabindex: this.#cells.length ? -1 : 0 });
        this.#cells.push(button);
        return make('td', { role: 'gridcell' }, [button]);
      });
      return make('tr', { role: 'row' }, [
        make('th', { scope: 'row', role: 'rowheader', title: name }, [name]),
        ...cells,
      ]);
    });
    this.table.replaceChildren(make('tbody', { role: 'rowgroup' }, [head, ...rows]));
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const at = this.#cells.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    if (at < 0) return;
    const n = this.#classes;
    const column = at % n;
    /** @type {Record<string, number>} */
    const targets = {
      ArrowRight: column + 1 < n ? at + 1 : at,
      ArrowLeft: column > 0 ? at - 1 : at,
      ArrowDown: at + n < n * n ? at + n : at,
      ArrowUp: at - n >= 0 ? at - n : at,
      Home: at - column,
      End: at - column + n - 1,
    };
    if (!Object.hasOwn(targets, event.key)) return;
    event.preventDefault();
    this.#focus(targets[event.key]);
  }

  /** One cell is in the tab order: the one last used. @param {number} index */
  #focus(index) {
    this.#cells.forEach((cell, i) => {
      cell.tabIndex = i === index ? 0 : -1;
    });
    this.#cells[index].focus();
  }
}
