// Source: an operator's report: systemctl reload returns 0 for a configuration that is refused, and before a good one is in force; nothing tells that the last one failed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { type Ended, run } from '../cli/program.ts';
import { NamedUpstream, Stand, until } from '../process/stand.ts';
import { rsaKey } from '../support/tokens.ts';
import { Wire } from '../support/wire.ts';

/** Enough connections for each worker to get one, by any hash. */
const MANY = 16;
/** Milliseconds within which a responsive supervisor replies many times. */
const DEAF_MS = 10_000;

interface ConfigurationStatus {
  readonly file: string;
  readonly loadedAt: string;
  readonly lastReload: {
    readonly at: string;
    readonly ok: boolean;
    readonly faults: readonly string[];
  } | null;
}

describe('a reload', () => {
  let upstream: NamedUpstream;
  let runtime: string;
  let stand: Stand;
  const connections: Wire[] = [];

  before(async () => {
    upstream = await NamedUpstream.start('app');
  });
  after(() => upstream.close());
  beforeEach(async () => {
    runtime = mkdtempSync(join(tmpdir(), 'portcullis-'));
    stand = await Stand.start(config('/one'), { env: { RUNTIME_DIRECTORY: runtime } });
    for (let n = 0; n < MANY; n += 1) connections.push(await Wire.open(stand.port));
  });
  afterEach(async () => {
    for (const wire of connections.splice(0)) wire.close();
    await stand.stop();
    rmSync(runtime, { recursive: true, force: true });
  });

  const config = (path: string): object => ({
    upstreams: { app: { servers: [upstream.url] } },
    routes: [{ match: { path }, auth: 'none', upstream: 'app' }],
  });
  const reload = (...args: string[]): Promise<Ended> =>
    run(['reload', ...args], { env: { RUNTIME_DIRECTORY: runtime } });
  const configuration = async (): Promise<ConfigurationStatus> =>
    ((await stand.status()) as unknown as { configuration: ConfigurationStatus }).configuration;
  /** The response to a path on each connection, and so of each worker. */
  const responses = (path: string): Promise<number[]> =>
    Promise.all(
      connections.map(async (wire) => {
        wire.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
        return (await wire.response()).status;
      }),
    );
  const all = (status: number): number[] => new Array<number>(MANY).fill(status);

  test('returns when every worker has the new configuration, and is reported', async () => {
    const first = await configuration();
    assert.equal(first.lastReload, null);
    assert.match(first.file, /^\/.*\/portcullis\.yaml$/);
    assert.equal(await stand.metric('portcullis_config_last_reload_success'), 1);
    const startedAt = await stand.metric('portcullis_config_last_reload_timestamp_seconds');
    assert.equal(startedAt, Date.parse(first.loadedAt) / 1000);
    stand.write(config('/two'));
    const { code, stdout, stderr } = await reload();
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /portcullis\.yaml is in force\n$/);
    // At once: nothing waits.
    assert.deepEqual(await responses('/two'), all(200));
    assert.deepEqual(await responses('/one'), all(404));
    const { loadedAt, lastReload } = await configuration();
    assert.deepEqual(lastReload, { at: loadedAt, ok: true, faults: [] });
    assert.ok(Date.parse(loadedAt) > Date.parse(first.loadedAt));
    assert.equal(await stand.metric('portcullis_config_last_reload_success'), 1);
  });

  test('that is refused ends with 78 and its faults, changes nothing, and stays visible', async () => {
    const first = await configuration();
    for (const [write, fault] of [
      [() => stand.writeText('listen: 127.0.0.1:0\nroutes: nonsense\n'), /portcullis\.yaml:2:9: routes: /],
      // Valid by itself, but not while this gateway runs.
      [
        () => stand.write({ ...config('/two'), limits: { requestHead: '8KiB' } }),
        /limits\.requestHead cannot change while the gateway runs/,
      ],
    ] as const) {
      write();
      const { code, stdout, stderr } = await reload('--pid', `${stand.pid}`);
      assert.deepEqual([code, stdout], [78, '']);
      assert.match(stderr, fault);
      assert.match(stderr, /portcullis\.yaml is refused; the configuration before it stays in force\n$/);
      const { loadedAt, lastReload } = await configuration();
      assert.equal(loadedAt, first.loadedAt);
      assert.equal(lastReload?.ok, false);
      assert.match(String(lastReload?.faults[0]), fault);
      assert.equal(await stand.metric('portcullis_config_last_reload_success'), 0);
      assert.equal(
        await stand.metric('portcullis_config_last_reload_timestamp_seconds'),
        Date.parse(String(lastReload?.at)) / 1000,
      );
      assert.deepEqual(await responses('/one'), all(200));
      assert.equal((await stand.ready())[0], 200);
    }
    stand.write(config('/two'));
    // A signal counts like the command.
    await stand.told('SIGHUP', 'the configuration was reloaded');
    assert.equal((await configuration()).lastReload?.ok, true);
    assert.equal(await stand.metric('portcullis_config_last_reload_success'), 1);
  });

  test('keeps a bounded part of any number of faults', async () => {
    stand.writeText(
      `listen: 127.0.0.1:0\n${Array.from({ length: 150 }, (_, n) => `unknown${n}: 1\n`).join('')}`,
    );
    assert.equal((await reload()).code, 78);
    const faults = (await configuration()).lastReload?.faults ?? [];
    assert.ok(faults.length > 1 && faults.length <= 101, `${faults.length} faults`);
  });

  test('replies to all callers, however many at a time', async () => {
    stand.write(config('/two'));
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => reload()));
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      [0, 0, 0, 0, 0],
    );
    assert.deepEqual(await responses('/two'), all(200));
  });

  test('does not block the supervisor while its reading hangs', async () => {
    // It has no writer yet, so its reader waits.
    const pipe = join(runtime, 'key.pem');
    execFileSync('mkfifo', [pipe]);
    stand.write({
      ...config('/two'),
      issuers: { i: { issuer: 'x', audience: 'y', algorithms: ['RS256'], keys: { pem: pipe } } },
    });
    stand.signal('SIGHUP');
    const outcome = reload();
    const writer = await until(
      () => openForReader(pipe),
      (descriptor) => descriptor !== undefined,
    );
    for (let n = 0; n < 3; n += 1) {
      const response = await fetch(`http://127.0.0.1:${stand.adminPort}/healthz`, {
        signal: AbortSignal.timeout(DEAF_MS),
      });
      assert.equal(response.status, 200);
    }
    assert.deepEqual(await responses('/one'), all(200));
    // Later readers find the key in a file; the waiting one gets it from the pipe.
    const { pem } = rsaKey();
    writeFileSync(`${pipe}.new`, pem);
    renameSync(`${pipe}.new`, pipe);
    writeSync(writer as number, pem);
    closeSync(writer as number);
    assert.equal((await outcome).code, 0);
    assert.deepEqual(await responses('/two'), all(200));
  });

  test('is accepted only from this user, and fails where no gateway is', async () => {
    const folder = join(runtime, 'control');
    assert.deepEqual(readdirSync(folder), [`${stand.pid}.sock`]);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, `${stand.pid}.sock`)).mode & 0o777, 0o600);
    const elsewhere = await run(['reload'], { env: { RUNTIME_DIRECTORY: join(runtime, 'none') } });
    assert.equal(elsewhere.code, 69);
    assert.match(elsewhere.stderr, /^portcullis: no gateway runs that this user can reload: /);
    assert.equal((await reload('--pid', '1')).code, 69);
    assert.equal((await reload('--pid', 'x')).code, 64);
    writeFileSync(join(folder, '1.sock'), '');
    const several = await reload();
    assert.equal(several.code, 69);
    assert.match(several.stderr, /several gateways run \(.*\): name one with --pid/);
    assert.equal((await reload('--pid', `${stand.pid}`)).code, 0);
  });
});

/** A pipe to write to, once a reader waits; undefined until then. */
function openForReader(pipe: string): number | undefined {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    return undefined;
  }
}
