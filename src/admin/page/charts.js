import { SHOWN_SECONDS } from './samples.js';
import { count, latency, rate } from './text.js';

/** Outcomes with a line of their own: more cannot be told apart. */
const MAX_WORDS = 5;
/** Colours of lines, as page.css has them, and dashes, so that no line is known by its colour alone. */
const COLOURS = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5'];
const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3], [1, 2]];

/** Steps of an axis with counts: 1, 2 and 5 with zeros. */
const WHOLE = Array.from({ length: 21 }, (_, index) => [1, 2, 5][index % 3] * 10 ** Math.floor(index / 3));

const SERVED = new Set(['forwarded', 'upgraded', 'preflight_answered', 'options_answered', 'redirected']);

/** Outcomes other than a response that was forwarded, or a reply that is no refusal. */
export const isFault = (word) => !SERVED.has(word);
export const perSecond = (read) => (sample) => read(sample) / sample.seconds;
export const faultsOf = ({ outcomes, otherOutcomes }) =>
  Object.entries(outcomes).reduce((sum, [word, number]) => sum + (isFault(word) ? number : 0), otherOutcomes);

const lines = (...all) => all.map(([label, read]) => ({ label, read }));

/** Each chart with the text of its values, and its lines: labels and readers of samples. */
const CHARTS = [
  {
    title: 'Requests per second',
    text: rate,
    lines: () =>
      lines(['all', perSecond(({ requests }) => requests)], ['refused or failed', perSecond(faultsOf)]),
  },
  {
    title: 'Refused or failed per second, by reason',
    text: rate,
    lines: (samples) =>
      lines(
        ...samples
          .words(isFault, MAX_WORDS)
          .map((word) => [word, perSecond(({ outcomes }) => outcomes[word] ?? 0)]),
      ),
  },
  {
    title: 'Latency',
    text: latency,
    lines: () => lines(['p50', ({ p50 }) => p50], ['p95', ({ p95 }) => p95], ['p99', ({ p99 }) => p99]),
  },
  {
    title: 'Token cache per second',
    text: rate,
    lines: () =>
      lines(
        ['hits', perSecond(({ cacheHits }) => cacheHits)],
        ['misses', perSecond(({ cacheMisses }) => cacheMisses)],
      ),
  },
  {
    title: 'Connections of clients',
    text: count,
    lines: () =>
      lines(
        ['HTTP/1', ({ connections, h2Connections }) => connections - h2Connections],
        ['HTTP/2', ({ h2Connections }) => h2Connections],
        ['tunnels', ({ tunnels }) => tunnels],
      ),
  },
  {
    title: 'Tokens that wait for verification',
    text: count,
    lines: () => lines(['waiting', ({ verifyQueue }) => verifyQueue]),
  },
];

/** The charts, each with a legend that has the values under the pointer, or the newest. */
export class Charts {
  #samples;
  #all;

  /** @param {HTMLElement} place @param {import('./samples.js').Samples} samples */
  constructor(place, samples) {
    this.#samples = samples;
    this.#all = CHARTS.map((kind) => new Chart(place, kind));
    const redraw = () => this.draw();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const chart of this.#all) chart.forget();
      redraw();
    });
    document.addEventListener('visibilitychange', redraw);
    new ResizeObserver(redraw).observe(place);
  }

  draw() {
    if (document.hidden) return;
    for (const chart of this.#all) chart.draw(this.#samples);
  }
}

class Chart {
  #kind;
  #place;
  #legend;
  /** @type {any} */
  #plot;
  #labels = '';
  #columns = [];
  #lines = [];

  constructor(place, kind) {
    this.#kind = kind;
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    const title = document.createElement('span');
    title.textContent = kind.title;
    this.#legend = document.createElement('ul');
    this.#legend.className = 'legend';
    caption.append(title, this.#legend);
    this.#place = document.createElement('div');
    this.#place.className = 'plot';
    this.#place.setAttribute('role', 'img');
    this.#place.setAttribute('aria-label', `${kind.title} in the last ten minutes`);
    figure.append(caption, this.#place);
    place.append(figure);
  }

  /** Colours and sizes of text have changed. */
  forget() {
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  draw(samples) {
    this.#lines = this.#kind.lines(samples);
    this.#columns = samples.columns(this.#lines.map(({ read }) => read));
    const labels = this.#lines.map(({ label }) => label).join('\n');
    if (labels !== this.#labels) {
      this.#labels = labels;
      this.forget();
      this.#writeLegend();
    }
    const { clientWidth: width, clientHeight: height } = this.#place;
    if (width === 0 || height === 0) return;
    if (this.#plot === undefined) {
      this.#plot = new uPlot(this.#options(width, height), this.#columns, this.#place);
    } else {
      if (this.#plot.width !== width || this.#plot.height !== height) this.#plot.setSize({ width, height });
      this.#plot.setData(this.#columns);
    }
    this.#showValues(this.#plot.cursor.idx);
  }

  #writeLegend() {
    const entries = this.#lines.map(({ label }, index) => {
      const entry = document.createElement('li');
      const name = document.createElement('span');
      name.className = `name line-${index + 1}`;
      name.textContent = label;
      entry.append(name, document.createElement('output'));
      return entry;
    });
    const nothing = document.createElement('li');
    nothing.textContent = 'none';
    this.#legend.replaceChildren(...(entries.length === 0 ? [nothing] : entries));
  }

  #showValues(at) {
    const outputs = this.#legend.querySelectorAll('output');
    for (const [index, output] of outputs.entries()) {
      const column = this.#columns[index + 1];
      output.textContent = this.#kind.text(column?.[at ?? column.length - 1]);
    }
  }

  #options(width, height) {
    const style = getComputedStyle(document.body);
    const colour = (name) => style.getPropertyValue(name);
    const size = Number.parseFloat(getComputedStyle(this.#legend).fontSize);
    const axis = {
      stroke: colour('--dim'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
      gap: 4,
    };
    const font = `${size}px ${style.fontFamily}`;
    const { text } = this.#kind;
    return {
      width,
      height,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      padding: [size / 2, size, 0, 0],
      hooks: { setCursor: [({ cursor }) => this.#showValues(cursor.idx)] },
      scales: {
        x: { range: (_plot, _min, max) => [max - SHOWN_SECONDS, max] },
        y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
      },
      axes: [
        {
          ...axis,
          font,
          size: size * 1.8,
          space: size * 7,
          values: [
            [60, '{HH}:{mm}'],
            [1, '{HH}:{mm}:{ss}'],
          ].map(([every, form]) => [every, form, null, null, null, null, null, null, 1]),
        },
        {
          ...axis,
          font,
          // What is counted has no halves.
          ...(text === count ? { incrs: WHOLE } : {}),
          size: size * 5,
          space: size * 2.5,
          values: (_plot, splits) => splits.map((value) => text(value)),
        },
      ],
      series: [
        {},
        ...this.#lines.map(({ label }, index) =>
          seriesOf(label, colour(COLOURS[index]), DASHES[index], size),
        ),
      ],
    };
  }
}

function seriesOf(label, stroke, dash, size) {
  return {
    label,
    stroke,
    dash,
    width: Math.max(1.5, size / 8),
    // A second with requests between two without has no line, and is seen as a point.
    points: { size: size / 3, fill: stroke, filter: (plot, series) => alone(plot.data[series]) },
  };
}

function alone(column) {
  const found = [];
  for (const [index, value] of column.entries()) {
    if (value !== null && (column[index - 1] ?? null) === null && (column[index + 1] ?? null) === null)
      found.push(index);
  }
  return found;
}
