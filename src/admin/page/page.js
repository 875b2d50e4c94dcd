import { Charts, faultsOf } from './charts.js';
import { Samples } from './samples.js';
import { follow } from './stream.js';
import { setText } from './table.js';
import { Tables } from './tables.js';
import { count, duration, latency, or, percent, rate, time } from './text.js';

const byId = (id) => document.getElementById(id);

/** What is known of the gateway, until another event replaces it. */
const samples = new Samples();
const charts = new Charts(byId('charts'), samples);
const tables = new Tables(byId('tables'), buttonsOf);
let version = '';
/** When the gateway was last heard of, by this page's clock. */
let heardAt = 0;

/** The tiles: label, value, and a line below it, from the last sample. */
const TILES = [
  ['Requests per second', ({ requests, seconds }) => rate(requests / seconds), () => ''],
  [
    'Refused or failed per second',
    (sample) => rate(faultsOf(sample) / sample.seconds),
    (sample) => (sample.requests === 0 ? '' : `${percent(faultsOf(sample) / sample.requests)} of all`),
  ],
  ['Latency p50', ({ p50 }) => latency(p50), ({ p95, p99 }) => `p95 ${latency(p95)}, p99 ${latency(p99)}`],
  [
    'Token cache hits',
    ({ cacheHits, cacheMisses }) =>
      percent(cacheHits + cacheMisses === 0 ? null : cacheHits / (cacheHits + cacheMisses)),
    ({ cacheEntries }) => `${count(cacheEntries)} tokens kept`,
  ],
  ['Verification queue', ({ verifyQueue }) => count(verifyQueue), () => 'tokens wait'],
  [
    'Revocations',
    ({ revocations }) => count(revocations),
    ({ revocations }) => (revocations === null ? 'not configured' : 'in force'),
  ],
  [
    'Connections',
    ({ connections }) => count(connections),
    ({ connections, h2Connections }) =>
      `HTTP/1 ${count(connections - h2Connections)}, HTTP/2 ${count(h2Connections)}`,
  ],
  ['Tunnels', ({ tunnels }) => count(tunnels), () => 'open'],
].map(([label, value, below]) => {
  const [tile, name, main, small] = ['div', 'dt', 'dd', 'dd'].map((tag) => document.createElement(tag));
  name.textContent = label;
  small.className = 'below';
  main.textContent = or('');
  tile.append(name, main, small);
  byId('tiles').append(tile);
  return { main, small, value, below };
});

const entries = ['File', 'In force since', 'Last reload'].map((label) => {
  const [entry, name, value] = ['div', 'dt', 'dd'].map((tag) => document.createElement(tag));
  name.textContent = label;
  entry.append(name, value);
  byId('configuration').append(entry);
  return value;
});

follow({
  onEvent: ({ samples: fresh, rows, session }) => {
    byId('log-out').hidden = !session;
    heardAt = Date.now();
    samples.add(fresh);
    showSample();
    if (rows === null) say('The rows are too long for this page; /status has them.');
    else showRows(rows);
    charts.draw();
    document.body.classList.remove('stale');
    setBanner();
  },
  onGone: () => {
    setState('gone', 'bad');
    const heard =
      heardAt === 0 ? '' : ` since ${new Date(heardAt).toLocaleTimeString()}; what is shown is from then`;
    lose(`The gateway does not answer${heard}. This page comes back by itself.`);
  },
  onRefused: (status, text) => {
    setState('no access', 'warn');
    if (status !== 401 && status !== 403) lose(`The gateway answers ${status}: ${text}`);
    else lose('The gateway asks for the secret of the admin address. ', link('/login', 'Log in'));
  },
});

byId('log-out').addEventListener('click', async () => {
  try {
    const { ok, status } = await fetch('/logout', { method: 'POST' });
    if (ok) location.assign('/login');
    else say(`The session goes on: the gateway answers ${status}`);
  } catch {
    say('The session goes on: the gateway does not answer');
  }
});

/** Says why nothing new comes, and greys what is old. */
function lose(...parts) {
  document.body.classList.add('stale');
  setBanner(...parts);
}

/** Only another text is told again to those who listen. */
function setBanner(...parts) {
  const text = parts.map((part) => (typeof part === 'string' ? part : part.textContent)).join('');
  if (byId('banner').textContent !== text) byId('banner').replaceChildren(...parts);
}

function link(to, text) {
  const made = document.createElement('a');
  made.href = to;
  made.textContent = text;
  return made;
}

function say(text) {
  setText(byId('said'), text);
}

function setState(text, tone) {
  setText(byId('state'), text);
  byId('state').dataset.tone = tone;
}

function showSample() {
  const { last } = samples;
  if (last === undefined) return;
  for (const { main, small, value, below } of TILES) {
    setText(main, value(last));
    setText(small, below(last));
  }
}

function showRows(rows) {
  // Another version brings another page.
  if (version !== '' && version !== rows.version) location.reload();
  version = rows.version;
  setText(byId('version'), version);
  setText(
    byId('about'),
    `up for ${duration(rows.uptimeSeconds)}${rows.workerDeaths > 0 ? `, ${count(rows.workerDeaths)} listeners died` : ''}`,
  );
  const reasons = rows.notReady.map(({ what, why }) => `${what}: ${why}`).join('; ');
  if (reasons === '') setState('ready', 'good');
  else setState(`not ready: ${reasons}`, 'bad');
  tables.show(rows, samples.last?.at ?? Date.now());
  showConfiguration(rows.configuration);
}

function showConfiguration({ file, loadedAt, lastReload }) {
  const [ofFile, ofLoad, ofReload] = entries;
  setText(ofFile, file ?? 'none: it was given by a program');
  setText(ofLoad, time(loadedAt));
  const outcome = lastReload?.ok === false ? 'refused, the configuration before stays in force' : 'taken';
  setText(ofReload, lastReload === null ? 'none since the start' : `${time(lastReload.at)}, ${outcome}`);
  ofReload.dataset.tone = lastReload?.ok === false ? 'bad' : '';
  const faults = lastReload?.faults ?? [];
  const list = byId('faults');
  if ([...list.children].map(({ textContent }) => textContent).join('\n') === faults.join('\n')) return;
  list.replaceChildren(
    ...faults.map((fault) => {
      const item = document.createElement('li');
      item.textContent = fault;
      return item;
    }),
  );
}

/** The buttons of a server by upstream and address, which stay while it is shown. */
const buttons = new Map();

/** @param {any} row */
function buttonsOf({ upstream, address, mode }) {
  const key = `${upstream} ${address}`;
  const made = buttons.get(key) ?? makeButton(upstream, address);
  buttons.set(key, made);
  made.show(mode);
  return made.button;
}

function makeButton(upstream, address) {
  const button = document.createElement('button');
  button.type = 'button';
  let next = 'drain';
  button.addEventListener('click', () => void setMode(button, upstream, address, next));
  return {
    button,
    show(mode) {
      next = mode === 'ready' ? 'drain' : 'ready';
      setText(button, next === 'drain' ? 'Drain' : 'Make ready');
      button.setAttribute('aria-label', `${button.textContent}: ${address} of ${upstream}`);
    },
  };
}

async function setMode(button, upstream, address, state) {
  button.disabled = true;
  const path = `/upstreams/${encodeURIComponent(upstream)}/servers/${encodeURIComponent(address)}`;
  try {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify({ state }) });
    const { error } = await response.json();
    say(
      response.ok
        ? `${address} of ${upstream}: ${state}`
        : `${address} stays as it is: ${error ?? response.status}`,
    );
  } catch {
    say(`${address} stays as it is: the gateway does not answer`);
  } finally {
    button.disabled = false;
    button.focus();
  }
}
