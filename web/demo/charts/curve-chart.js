/** One curve of training and one of validation over epochs, drawn by uPlot in the page's colours. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

const HEIGHT = 190;
/** Top of an axis without data: a little above ln 10, the loss of a network that knows nothing. */
const EMPTY_MAX = 2.5;

/** @param {string} name a custom property of the style sheet */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * @typedef {object} CurveOptions
 * @property {(value: number) => string} format for the y axis and the readout
 * @property {[number, number]} [range] of the y axis; without it, from 0 to the largest value
 */

export class CurveChart {
  /** @type {uPlot} */
  #plot;
  #epochs = 1;

  /**
   * @param {HTMLElement} container
   * @param {CurveOptions} options
   */
  constructor(container, { format, range }) {
    const axis = {
      stroke: () => colour('--ink-2'),
      grid: { stroke: () => colour('--line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    };
    this.#plot = new uPlot(
      {
        width: container.clientWidth || 300,
        height: HEIGHT,
        padding: [10, 12, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { size: 7 } },
        scales: {
          // A little room at the right, or the last point would be cut in half.
          x: { time: false, range: () => [0, this.#epochs * 1.02] },
          y: { range: (_, __, max) => range ?? [0, max === null ? EMPTY_MAX : max * 1.05] },
        },
        axes: [
          { ...axis, size: 30, incrs: [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200] },
          { ...axis, size: 44, values: (_, ticks) => ticks.map(format) },
        ],
        series: [
          {},
          {
            label: 'Training',
            stroke: () => colour('--train'),
            width: 1.75,
            spanGaps: true,
            points: { show: false },
          },
          {
            label: 'Validation',
            stroke: () => colour('--validation'),
            width: 1.75,
            spanGaps: true,
            points: { show: true, size: 7, fill: () => colour('--validation') },
          },
        ],
      },
      [[], [], []],
      container,
    );
    new ResizeObserver(() => {
      this.#plot.setSize({ width: container.clientWidth, height: HEIGHT });
    }).observe(container);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot.redraw(false, true);
    });
  }

  /**
   * The axis ends with the epoch under way: the first minute is as worth seeing as the last.
   * @param {[number[], (number | null)[], (number | null)[]]} columns
   */
  show(columns) {
    this.#epochs = Math.max(1, Math.ceil(columns[0].at(-1) ?? 0));
    this.#plot.setData(/** @type {uPlot.AlignedData} */ (columns));
  }
}
