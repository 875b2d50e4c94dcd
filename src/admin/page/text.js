/** How values read: each function yields a text for a person, `–` for what there is not. */

const NONE = '–';

/** @param {number | null | undefined} value */
export function count(value) {
  if (value === null || value === undefined) return NONE;
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return String(Math.round(value));
}

/** @param {number | null | undefined} value a rate by the second */
export function rate(value) {
  if (value === null || value === undefined) return NONE;
  return value > 0 && value < 9.95 ? value.toFixed(1) : count(value);
}

/** @param {number | null | undefined} part from 0 to 1 */
export function percent(part) {
  if (part === null || part === undefined) return NONE;
  return `${part === 1 ? 100 : Math.floor(part * 1000) / 10} %`;
}

/** @param {number | null | undefined} seconds of a response */
export function latency(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds === 0) return '0 ms';
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  const ms = seconds * 1000;
  return `${ms >= 100 ? ms.toFixed(0) : ms.toFixed(ms >= 10 ? 1 : 2)} ms`;
}

/** @param {number | null | undefined} seconds of an age or a wait */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** @param {number} bytes */
export function mebibytes(bytes) {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}

/** @param {string | null} iso @param {number} now milliseconds since the epoch, by the gateway's clock */
export function since(iso, now) {
  return iso === null ? NONE : duration((now - Date.parse(iso)) / 1000);
}

/** @param {string | null} iso */
export function time(iso) {
  return iso === null ? NONE : `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** @param {readonly string[]} texts */
export function list(texts) {
  return texts.length === 0 ? NONE : texts.join(', ');
}

/** @param {string | null | undefined} text */
export function or(text) {
  return text === null || text === undefined || text === '' ? NONE : text;
}
