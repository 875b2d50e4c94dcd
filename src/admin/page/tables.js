import { isFault } from './charts.js';
import { Table } from './table.js';
import { count, duration, latency, list, mebibytes, or, percent, rate, since, time } from './text.js';

const good = (text) => ({ text, tone: 'good' });
const bad = (text) => ({ text, tone: 'bad' });
const warn = (text) => ({ text, tone: 'warn' });
const total = (outcomes) => Object.values(outcomes).reduce((sum, number) => sum + number, 0);
const faults = (outcomes) =>
  Object.entries(outcomes).reduce((sum, [word, number]) => sum + (isFault(word) ? number : 0), 0);

/** Days of a certificate below which it is late, and too late. */
const LATE_DAYS = 21;
const TOO_LATE_DAYS = 7;

/** The tables, which follow what each event says besides samples. */
export class Tables {
  #rows;
  #before;
  #now = 0;
  #all;

  /** @param {HTMLElement} place @param {(row: any) => HTMLElement} buttonsOf makes the buttons of a server. */
  constructor(place, buttonsOf) {
    const at = (kind) => new Table(place, kind);
    this.#all = {
      servers: at({
        id: 'servers',
        title: 'Upstream servers',
        empty: 'There is none.',
        keyOf: ({ upstream, address }) => `${upstream} ${address}`,
        columns: [
          { label: 'Upstream', of: ({ upstream }) => upstream },
          {
            label: 'Server',
            of: ({ address, server, backup }) =>
              `${address}${address === server ? '' : ` (${server})`}${backup ? ', backup' : ''}`,
          },
          { label: 'State', of: serverState },
          { label: 'Why', of: whyOf },
          { label: 'For', number: true, of: (row) => since(sinceOf(row), this.#now) },
          { label: 'Connections', number: true, of: ({ connections }) => count(connections) },
          {
            label: 'Failures',
            number: true,
            of: ({ failed }) => (failed > 0 ? bad(count(failed)) : count(failed)),
          },
          { label: 'Mode', of: (row) => (this.#rows.canSetModes ? buttonsOf(row) : row.mode) },
        ],
      }),
      routes: at({
        id: 'routes',
        title: 'Routes',
        empty: 'There is none.',
        keyOf: ({ name }) => name,
        columns: [
          { label: 'Route', of: ({ name }) => name },
          {
            label: 'Tokens of',
            of: ({ issuers }) => (issuers.length === 0 ? 'anyone, none needed' : list(issuers)),
          },
          { label: 'Upstream', of: ({ upstream }) => upstream },
          {
            label: 'Per second',
            number: true,
            of: ({ name, outcomes }) => rate(this.#rateOf('routes', name, total(outcomes))),
          },
          { label: 'Requests', number: true, of: ({ outcomes }) => count(total(outcomes)) },
          { label: 'Refused or failed', number: true, of: ({ outcomes }) => count(faults(outcomes)) },
          {
            label: 'Tunnels',
            number: true,
            of: ({ name }) => count(this.#rows.tunnels.find(({ route }) => route === name)?.open ?? 0),
          },
        ],
      }),
      outcomes: at({
        id: 'outcomes',
        title: 'Outcomes',
        empty: 'No request has ended yet.',
        keyOf: ({ name }) => name,
        columns: [
          { label: 'Outcome', of: ({ name }) => name },
          {
            label: 'Per second',
            number: true,
            of: ({ name, number }) => rate(this.#rateOf('outcomes', name, number)),
          },
          { label: 'Requests', number: true, of: ({ number }) => count(number) },
          { label: 'Share', number: true, of: ({ number }) => percent(number / total(this.#rows.outcomes)) },
        ],
      }),
      keySets: at({
        id: 'issuers',
        title: 'Issuers',
        empty: 'There is none.',
        keyOf: ({ issuer, source }) => `${issuer} ${source}`,
        columns: [
          { label: 'Issuer', of: ({ issuer }) => issuer },
          { label: 'Source', of: ({ source }) => source },
          {
            label: 'Key ids',
            of: ({ kids, ageSeconds }) => (ageSeconds === null ? bad('no keys') : list(kids)),
          },
          { label: 'Age', number: true, of: ({ ageSeconds }) => duration(ageSeconds) },
          { label: 'Next fetch', number: true, of: ({ nextRefreshSeconds }) => duration(nextRefreshSeconds) },
          {
            label: 'Last error',
            of: ({ lastError }) => (lastError === null ? or(lastError) : bad(lastError)),
          },
          { label: 'Ignored', of: ({ ignored }) => (ignored.length === 0 ? or('') : warn(list(ignored))) },
        ],
      }),
      certificates: at({
        id: 'certificates',
        title: 'Certificates',
        empty: 'No address has TLS.',
        keyOf: ({ address, name }) => `${address} ${name}`,
        columns: [
          { label: 'Address', of: ({ address }) => address },
          { label: 'Names', of: ({ names }) => list(names) },
          {
            label: 'Days left',
            number: true,
            of: ({ daysLeft }) =>
              daysLeft < TOO_LATE_DAYS
                ? bad(String(daysLeft))
                : daysLeft < LATE_DAYS
                  ? warn(String(daysLeft))
                  : String(daysLeft),
          },
          { label: 'Until', of: ({ validTo }) => time(validTo) },
          {
            label: 'OCSP response',
            of: ({ stapling }) =>
              stapling === null
                ? or('')
                : stapling.lastError === null
                  ? `until ${time(stapling.until)}`
                  : warn(stapling.lastError),
          },
        ],
      }),
      listeners: at({
        id: 'listeners',
        title: 'Listener processes',
        empty: 'None has started yet.',
        keyOf: ({ pid }) => String(pid),
        columns: [
          { label: 'Process', of: ({ pid }) => String(pid) },
          { label: 'State', of: ({ state }) => (state === 'serving' ? good(state) : warn(state)) },
          { label: 'For', number: true, of: ({ uptimeSeconds }) => duration(uptimeSeconds) },
          { label: 'Connections', number: true, of: ({ connections }) => count(connections) },
          {
            label: 'CPU',
            number: true,
            of: ({ pid, cpuSeconds }) => percent(this.#rateOf('listeners', String(pid), cpuSeconds)),
          },
          { label: 'Memory', number: true, of: ({ residentBytes }) => mebibytes(residentBytes) },
          { label: 'Longest stall', number: true, of: ({ loopDelaySeconds }) => latency(loopDelaySeconds) },
        ],
      }),
      listen: at({
        id: 'addresses',
        title: 'Addresses',
        empty: 'None is bound yet.',
        keyOf: ({ address }) => address,
        columns: [
          { label: 'Address', of: ({ address }) => address },
          { label: 'Protocols', of: ({ protocols }) => list(protocols) },
          { label: 'TLS', of: ({ tls }) => (tls === null ? or('') : `from ${tls.minVersion}`) },
          {
            label: 'Engine',
            of: ({ engine, reason }) => (engine === null ? or('') : `${engine} (${reason})`),
          },
        ],
      }),
    };
  }

  /** @param {any} rows @param {number} now milliseconds since the epoch, by the gateway's clock */
  show(rows, now) {
    this.#before = this.#rows === undefined ? undefined : { now: this.#now, counts: this.#counts };
    this.#rows = rows;
    this.#now = now;
    this.#counts = countsOf(rows);
    const outcomes = Object.entries(rows.outcomes)
      .map(([name, number]) => ({ name, number }))
      .sort((one, two) => two.number - one.number);
    for (const [name, table] of Object.entries(this.#all)) {
      table.show(name === 'outcomes' ? outcomes : rows[name], rows.leftOut[name]);
    }
  }

  #counts;

  /** How much a count grows in a second. Undefined for one that is new, or fell. */
  #rateOf(kind, name, number) {
    const { now, counts } = this.#before ?? {};
    const before = counts?.[kind].get(name);
    if (before === undefined || number < before || this.#now <= now) return undefined;
    return (number - before) / ((this.#now - now) / 1000);
  }
}

function countsOf({ routes, outcomes, listeners }) {
  return {
    routes: new Map(routes.map(({ name, outcomes: its }) => [name, total(its)])),
    outcomes: new Map(Object.entries(outcomes)),
    listeners: new Map(listeners.map(({ pid, cpuSeconds }) => [String(pid), cpuSeconds])),
  };
}

/** The state of a server as metrics have it: by its operator, or by its checks, or by its requests. */
function serverState({ mode, health, ejected, state }) {
  if (mode !== 'ready') return warn(mode === 'drain' ? 'draining' : 'off');
  if (health.state === 'unhealthy') return bad('unhealthy');
  if (ejected !== null) return bad('ejected');
  if (state === 'down') return bad('down');
  return health.state === 'healthy' || state === 'up' ? good('up') : 'untried';
}

function sinceOf({ health, since: changed }) {
  return health.state === 'unhealthy' ? health.since : changed;
}

function whyOf({ mode, health, ejected, cause, lookup }) {
  if (mode !== 'ready') return 'by its operator';
  if (health.state === 'unhealthy')
    return health.last === null ? or('') : `${health.last.result}: ${health.last.detail}`;
  if (ejected !== null) return `${ejected.cause}, until ${time(ejected.until)}`;
  if (cause !== null) return cause;
  return or(lookup?.lastError);
}
