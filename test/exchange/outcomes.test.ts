import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Outcome } from '../../src/exchange/tally.ts';
import { createLog } from '../../src/lib/log.ts';
import { type Reason, reasons } from '../../src/reasons.ts';
import { loggedTls, overTls } from '../support/engine.ts';
import { serverOf, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';
import { nodeRows } from './node-outcome-rows.ts';
import { rows as commonRows, type OutcomeRow, SECRET, scrape } from './outcome-rows.ts';

const rows = [...commonRows, ...nodeRows];
/** The addresses of the others are in plain text. */
const played = overTls ? commonRows : rows;

/** Reasons that no exchange of this version can end with, and why. */
const undriven: Readonly<Partial<Record<Reason, string>>> = {
  no_healthy_upstream: 'upstreams are not probed',
};

interface Line {
  readonly message: string;
  readonly level: string;
  readonly outcome: Outcome;
  readonly status: number | null;
  readonly [field: string]: unknown;
}

const fields = [
  'level',
  'time',
  'client',
  'protocol',
  ...Object.keys(loggedTls),
  'method',
  'host',
  'path',
  'route',
  'outcome',
  'status',
  'durationMs',
  'requestBytes',
  'answerBytes',
  'upstream',
  'server',
  'traceId',
  'message',
];

/** Collects the access log of one gateway. */
function collector() {
  const texts: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (text) => texts.push(text) } });
  const lines = (): Line[] =>
    texts.map((text) => JSON.parse(text) as Line).filter(({ message }) => message === 'request');
  return { log, texts, lines };
}

/** Counts by label value, without zeros; by the reasons of a counter family, which the admin address shows too. */
function counted(text: string, metric: string, label: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, labels = '', value] of text.matchAll(new RegExp(`^${metric}\\{(.*)\\} (\\d+)$`, 'gm'))) {
    const outcome = new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1] as string;
    if (value !== '0') counts[outcome] = (counts[outcome] ?? 0) + Number(value);
  }
  return counts;
}

/** The same counts from the gateway itself, after its admin address has closed with it. */
function tallied(gateway: TestGateway): {
  outcomes: Record<string, number>;
  rejected: Record<string, number>;
} {
  const { tally } = serverOf(gateway);
  const outcomes: Record<string, number> = {};
  for (const { outcomes: family } of tally.routes.values()) {
    for (const [outcome, { value }] of family.members) {
      if (value > 0) outcomes[outcome] = (outcomes[outcome] ?? 0) + value;
    }
  }
  const rejected = Object.fromEntries(
    Array.from(tally.rejections.members, ([outcome, { value }]) => [outcome, value]),
  );
  return { outcomes, rejected };
}

function expectedCounts({ outcome, beside }: OutcomeRow) {
  const outcomes = { ...beside, [outcome]: 1 };
  const rejected = Object.fromEntries(Object.entries(outcomes).filter(([name]) => name in reasons));
  return { outcomes, rejected };
}

async function play(row: OutcomeRow): Promise<void> {
  const origin = await Origin.start();
  const upstreamPort = origin.port;
  if (row.upstreamGone === true) await origin.close();
  const { log, texts, lines } = collector();
  const options = row.options?.() ?? {};
  const gateway = await startGateway({
    upstreamPort,
    ...options,
    config: { ...options.config, log: { level: 'info', access: 1 } },
    log,
  });
  const wires: Wire[] = [];
  const open = async (): Promise<Wire> => {
    const wire = await Wire.open(gateway.port);
    wires.push(wire);
    return wire;
  };
  try {
    const response = await row.drive({ gateway, origin, open });
    assert.equal(response?.status ?? null, row.status);
    if (response !== undefined && row.outcome in reasons) {
      assert.equal(response.headers.get('content-type'), 'application/problem+json');
      assert.equal(JSON.parse(response.body).code, row.outcome);
      assert.equal(JSON.parse(response.body).status, row.status);
    }

    const expected = expectedCounts(row);
    if (row.outcome === 'draining') assert.deepEqual(tallied(gateway), expected);
    else {
      const text = await scrape(gateway.adminPort);
      const outcomes = counted(text, 'portcullis_requests_total', 'outcome');
      const rejected = counted(text, 'portcullis_rejections_total', 'reason');
      assert.deepEqual({ outcomes, rejected }, expected);
      const total = Object.values(expected.outcomes).reduce((sum, count) => sum + count, 0);
      assert.match(text, new RegExp(`^portcullis_request_seconds_count ${total}$`, 'm'));
      assert.match(text, /^portcullis_access_log_dropped_total 0$/m);
    }

    const logged: Record<string, number> = {};
    for (const { outcome } of lines()) logged[outcome] = (logged[outcome] ?? 0) + 1;
    assert.deepEqual(logged, expected.outcomes);
    const line = lines().find(({ outcome }) => outcome === row.outcome) as Line;
    assert.deepEqual(
      Object.keys(line).filter((field) => field !== 'attempts'),
      fields,
    );
    assert.equal(line.status, row.logged ?? row.status);
    assert.equal(line['client'], '127.0.0.1');
    assert.equal(line['path'], row.path ?? '/orders');
    for (const text of texts) assert.doesNotMatch(text, new RegExp(`${SECRET}|eyJ|Bearer|access_token`));
  } finally {
    for (const wire of wires) wire.close();
    await gateway.close();
    if (row.upstreamGone !== true) await origin.close();
  }
}

describe('an exchange is counted and logged once, with one reason', () => {
  for (const row of played) test(`${row.outcome}: ${row.when}`, () => play(row));

  test('draining: a request that comes after the cut is not its client’s fault', async () => {
    const origin = await Origin.start();
    const { log, lines } = collector();
    const gateway = await startGateway({
      upstreamPort: origin.port,
      routes: [{ auth: 'none' }],
      config: { log: { level: 'info', access: 1 } },
      log,
    });
    const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
    const [first, second] = [await Wire.open(gateway.port), await Wire.open(gateway.port)];
    first.send(get);
    await (await origin.connection()).head();
    const closed = gateway.gateway.close({ graceMs: 1 });
    assert.equal((await first.response()).status, 503);
    second.send(get);
    await second.untilClosed();
    const { outcomes } = tallied(gateway);
    // On a slow machine the second one comes too late to be read.
    assert.deepEqual(outcomes, { draining: await closed });
    assert.ok(lines().every(({ outcome }) => outcome === 'draining'));
    first.close();
    second.close();
    await origin.close();
  });

  test('every reason has a row, or cannot happen yet', () => {
    const driven = new Set(rows.map(({ outcome }) => outcome));
    const others = ['forwarded', 'client_aborted', 'preflight_answered', 'options_answered', 'redirected'];
    for (const outcome of [...others, ...Object.keys(reasons)] as Outcome[]) {
      assert.notEqual(driven.has(outcome), outcome in undriven, outcome);
    }
  });

  test('a reason has its documented status', () => {
    for (const { outcome, status } of rows) {
      if (outcome in reasons && status !== null)
        assert.equal(status, reasons[outcome as Reason].status, outcome);
    }
  });
});
