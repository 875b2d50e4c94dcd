import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLog } from '../../src/lib/log.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, withoutTrace } from '../support/origin.ts';
import { Wire, type WireResponse } from '../support/wire.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const OK = 'HTTP/1.1 200 OK\r\nX-Request-Id: of-the-server\r\nContent-Length: 2\r\n\r\nok';

interface Seen {
  /** What upstream got; undefined when it got nothing. */
  readonly head: string | undefined;
  readonly response: WireResponse;
  readonly line: Record<string, unknown>;
}

/** Sends one request and yields what each side has seen of it. */
async function ask(
  fields: string,
  { path = '/', ids = true, config = {} }: { path?: string; ids?: boolean; config?: object } = {},
): Promise<Seen> {
  const lines: Record<string, unknown>[] = [];
  const origin = await Origin.start();
  const gateway: TestGateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none', match: { host: undefined, path: '/', methods: ['GET'] } }],
    log: createLog({ level: 'info', destination: { write: (line) => lines.push(JSON.parse(line)) } }),
    config: {
      ...(ids ? { requestId: { header: 'X-Request-Id', trust: 'trustedProxies' } } : {}),
      log: { level: 'info', access: 1 },
      ...config,
    },
  });
  const wire = await Wire.open(gateway.port);
  try {
    const method = path === '/' ? 'GET' : 'POST';
    wire.send(
      `${method} ${path} HTTP/1.1\r\nHost: a\r\n${fields}${method === 'POST' ? 'Content-Length: 0\r\n' : ''}\r\n`,
    );
    let head: string | undefined;
    if (method === 'GET') {
      const connection = await origin.connection();
      head = await connection.take((text) => text.includes('\r\n\r\n'), false);
      connection.write(OK);
    }
    const response = await wire.response();
    await gateway.close();
    const line = lines.find(({ message }) => message === 'request');
    assert.ok(line);
    return { head, response, line };
  } finally {
    wire.close();
    await gateway.close();
    await origin.close();
  }
}

const idsIn = ({ fields }: WireResponse): string[] =>
  fields.filter(([name]) => name.toLowerCase() === 'x-request-id').map(([, value]) => value);
const sent = (head: string | undefined, name: string): string[] =>
  (head ?? '')
    .split('\r\n')
    .flatMap((line) => (line.toLowerCase().startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));

describe('a request id', () => {
  test('is new, and the same for upstream, the client and the access log', async () => {
    const { head, response, line } = await ask(
      'X-Request-Id: of-the-client\r\nx_request_id: of-the-client\r\n',
    );
    const [id = ''] = idsIn(response);
    assert.match(id, UUID7);
    assert.deepEqual([idsIn(response), sent(head, 'x-request-id')], [[id], [id]]);
    assert.doesNotMatch(head ?? '', /of-the-client/);
    assert.equal(line['requestId'], id);
  });

  test('of a trusted proxy is kept', async () => {
    const trustedProxies = [{ address: '127.0.0.1', family: 'ipv4', prefix: 32 }];
    const { head, response, line } = await ask('X-Request-Id: of-the-proxy\r\n', {
      config: { trustedProxies },
    });
    assert.deepEqual(
      [idsIn(response), sent(head, 'x-request-id'), line['requestId']],
      [['of-the-proxy'], ['of-the-proxy'], 'of-the-proxy'],
    );
  });

  test('stands in refusals', async () => {
    const { response, line } = await ask('', { path: '/nowhere' });
    assert.equal(response.status, 404);
    assert.match(idsIn(response)[0] ?? '', UUID7);
    assert.deepEqual([line['requestId']], idsIn(response));
  });

  test('is left alone without the setting', async () => {
    const { head, response, line } = await ask('X-Request-Id: of-the-client\r\n', { ids: false });
    assert.deepEqual(
      [idsIn(response), sent(head, 'x-request-id'), 'requestId' in line],
      [['of-the-server'], ['of-the-client'], false],
    );
  });
});

describe('a trace', () => {
  test('is carried on, with the span of the gateway', async () => {
    const fields = `traceparent: 00-${TRACE}-00f067aa0ba902b7-01\r\ntracestate: a=1\r\nTraceState: b=2\r\n`;
    const { head, line } = await ask(fields, { ids: false });
    const [parent = '', ...others] = sent(head, 'traceparent');
    assert.deepEqual(others, []);
    assert.match(parent, new RegExp(`^00-${TRACE}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
    assert.deepEqual(sent(head, 'tracestate'), ['a=1,b=2']);
    assert.equal(line['traceId'], TRACE);
  });

  test('that is malformed is replaced', async () => {
    const { head, line } = await ask('traceparent: 00-x\r\ntracestate: a=1\r\ntrace_parent: 1\r\n');
    const [parent = ''] = sent(head, 'traceparent');
    assert.equal(parent.slice(3, 35), line['traceId']);
    assert.deepEqual(sent(head, 'tracestate'), []);
    assert.ok(!withoutTrace(head ?? '').includes('traceparent'));
  });
});
