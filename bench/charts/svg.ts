import type { RunResult } from '../results.ts';

/** Pixels. */
export const WIDTH = 920;
/** The top of the drawing, below the heading. */
export const TOP = 74;

/** Also distinguishable for people with red-green colour blindness. */
const COLOURS: Readonly<Record<string, string>> = {
  portcullis: '#0b6e99',
  'portcullis-pipelined': '#56b4d3',
  'haproxy-plain': '#9aa5b1',
  'haproxy-jwt': '#616e7c',
  fastify: '#e0a030',
  calm: '#0b6e99',
  flooded: '#c8553d',
};
const OTHERS = ['#0b6e99', '#8f6bb3'];

/** @param at place among the gateways of a table, for those without their own colour. */
export function colourOf(gateway: string, at: number): string {
  return COLOURS[gateway] ?? (OTHERS[at % OTHERS.length] as string);
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${attributes && ` ${attributes}`}>${escapeXml(content)}</text>`;
}

/** A document with a heading, the subject and place of the measurement, and the drawing below both. */
export function page(
  run: RunResult,
  heading: string,
  generator: string,
  height: number,
  drawing: readonly string[],
): string {
  const { machine, load } = run;
  const rounds = load.rounds === 1 ? 'one round' : `median of ${load.rounds} rounds`;
  const under = `${machine['cpu']}, ${machine['cores']} cores; ${generator}; ${rounds}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${escapeXml(heading)}</title>
<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2933; }
.head { font-size: 18px; font-weight: 600; }
.group { font-size: 14px; font-weight: 600; }
.quiet { fill: #616e7c; }
.spread { stroke: #1f2933; stroke-width: 1.5; fill: none; }
.grid { stroke: #d9dee3; stroke-width: 1; fill: none; }
.curve { stroke-width: 2.5; fill: none; stroke-linejoin: round; }
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${text(16, 32, heading, 'class="head"')}
${text(16, 53, under, 'class="quiet"')}
${drawing.join('\n')}
</svg>
`;
}
