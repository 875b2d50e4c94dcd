import type { RunResult } from './results.ts';

/** Pixels of the parts of the picture. */
const WIDTH = 920;
const LABELS = 150;
const FIGURES = 210;
const BAR = 20;
const GAP = 6;
const GROUP_HEAD = 34;
const GROUP_GAP = 22;
const TOP = 74;

/** Told apart by people who do not see red and green as different, too. */
const COLOURS: Readonly<Record<string, string>> = {
  portcullis: '#0b6e99',
  'haproxy-plain': '#9aa5b1',
  'haproxy-jwt': '#616e7c',
  fastify: '#e0a030',
};
const OTHER = '#8f6bb3';

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${attributes && ` ${attributes}`}>${escapeXml(content)}</text>`;
}

/** A bar chart of CPU per request as an SVG document: a group for each scenario, a bar for each gateway. */
export function cpuChart(run: RunResult): string {
  const medians = run.scenarios.flatMap(({ gateways }) =>
    gateways.map(({ summary }) => summary?.cpuMicros.max ?? 0),
  );
  const scale = (WIDTH - LABELS - FIGURES) / Math.max(1, ...medians);
  const parts: string[] = [];
  let y = TOP;
  for (const { scenario, description, gateways } of run.scenarios) {
    parts.push(text(16, y + 14, scenario, 'class="group"'));
    parts.push(text(LABELS, y + 14, description, 'class="quiet"'));
    y += GROUP_HEAD - GAP;
    for (const { gateway, summary, cpuRatio } of gateways) {
      const middle = y + BAR / 2;
      parts.push(text(LABELS - 10, middle + 4.5, gateway, 'text-anchor="end"'));
      if (summary === null) {
        parts.push(text(LABELS + 6, middle + 4.5, 'no round counts', 'class="quiet"'));
      } else {
        const { median, min, max } = summary.cpuMicros;
        const fill = COLOURS[gateway] ?? OTHER;
        parts.push(
          `<rect x="${LABELS}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR}" rx="2" fill="${fill}"/>`,
        );
        const [from, to] = [LABELS + min * scale, LABELS + max * scale];
        parts.push(`<path d="M${from.toFixed(1)} ${middle}H${to.toFixed(1)}" class="spread"/>`);
        const ratio = cpuRatio['haproxy-plain'];
        const against =
          ratio === undefined || gateway === 'haproxy-plain' ? '' : `  (${ratio.median.toFixed(2)} × plain)`;
        parts.push(text(to + 8, middle + 4.5, `${median.toFixed(1)} µs${against}`));
      }
      y += BAR + GAP;
    }
    y += GROUP_GAP;
  }
  const { machine, load } = run;
  const under = `${machine['cpu']}, ${machine['cores']} cores; ${load.generator}; ${load.rounds === 1 ? 'one round' : `median of ${load.rounds} rounds, the line spans all of them`}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img">
<title>CPU microseconds per request</title>
<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2933; }
.head { font-size: 18px; font-weight: 600; }
.group { font-size: 14px; font-weight: 600; }
.quiet { fill: #616e7c; }
.spread { stroke: #1f2933; stroke-width: 1.5; fill: none; }
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${text(16, 32, 'CPU microseconds per request (less is better)', 'class="head"')}
${text(16, 53, under, 'class="quiet"')}
${parts.join('\n')}
</svg>
`;
}
