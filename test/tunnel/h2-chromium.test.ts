import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import type { Issued } from '../support/authority.ts';
import { Chromium } from '../support/chromium.ts';
import { eventually } from '../support/gateway.ts';
import { openssl } from '../support/openssl.ts';
import { needs } from '../support/programs.ts';
import { recordingLog } from '../support/recording-log.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { certificateConfig, tlsConfig } from '../support/tls.ts';
import { accept } from './h2-peer.ts';
import { H2Stand, opening } from './h2-stand.ts';
import { type Peer, textFrame } from './peers.ts';

/** The text of the next frame of a client, which is short and masked (RFC 6455 §5.3). */
async function message(server: Peer): Promise<string> {
  await eventually(
    () => server.received.length,
    (length) => length >= 6 && length >= 6 + (server.received.charCodeAt(1) & 0x7f),
  );
  const bytes = Buffer.from(server.received, 'latin1');
  const length = (bytes[1] as number) & 0x7f;
  assert.deepEqual([bytes[0], (bytes[1] as number) & 0x80, length < 126], [0x81, 0x80, true]);
  server.received = server.received.slice(6 + length);
  return String.fromCharCode(
    ...bytes.subarray(6, 6 + length).map((byte, at) => byte ^ (bytes[2 + (at % 4)] as number)),
  );
}

/** Chromium cannot decode the certificates that the other tests make. */
async function loopbackPair(): Promise<Issued> {
  const kind = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout - -out -';
  const subject = '-subj /CN=localhost -addext subjectAltName=DNS:localhost';
  const { output } = await openssl(`req -x509 ${kind} ${subject}`.split(' '));
  const [key = '', cert = ''] = output.match(/-----BEGIN [\s\S]*?-----END [^\n]*\n/g) ?? [];
  return { key, cert, serial: 0 };
}

describe('a page in Chromium that came by HTTP/2', needs('chromium'), () => {
  const { log, lines } = recordingLog();
  let chromium: Chromium;
  let stand: H2Stand;

  before(async () => {
    const tls = tlsConfig([certificateConfig(await loopbackPair())]);
    const at = (path: string): RouteConfig['match'] => ({ host: undefined, path, methods: undefined });
    const token = [{ kind: 'protocol', name: 'bearer' }] as const;
    stand = await H2Stand.start({
      log,
      config: {
        listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls }],
        log: { level: 'info', access: 1 },
        revocation,
      },
      routes: [
        { name: '/page', match: at('/page'), auth: 'none' },
        { ...opening, name: '/live', match: at('/live'), token },
      ],
    });
    chromium = await Chromium.start(['--ignore-certificate-errors']);
  });
  after(async () => {
    await chromium.close();
    await stand.close();
  });

  test('opens a WebSocket on the same connection, and sees its Close frame', async () => {
    const address = `//localhost:${stand.gateway.port}`;
    const opened = chromium.open(`https:${address}/page`);
    const server = await stand.upstream.peer();
    await server.until('\r\n\r\n');
    server.send('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<!doctype html>');
    const page = await opened;
    const token = stand.gateway.bearer().slice('Bearer '.length);
    const seen = page.run(`new Promise((resolve) => {
      const seen = [];
      const socket = new WebSocket('wss:${address}/live', ['bearer', '${token}', 'chat']);
      socket.onopen = () => {
        seen.push('open ' + socket.protocol);
        socket.send('hello');
      };
      socket.onmessage = ({ data }) => {
        seen.push(data.length);
        socket.send('got ' + data.length);
      };
      socket.onclose = ({ code, reason, wasClean }) => resolve([...seen, code, reason, wasClean]);
    })`);
    const its = await stand.upstream.peer();
    const head = await accept(its, 'Sec-WebSocket-Protocol: chat\r\n');
    assert.match(head, /^GET \/live HTTP\/1\.1\r\n/);
    assert.equal(await message(its), 'hello');
    its.send(textFrame('x'.repeat(60_000)));
    assert.equal(await message(its), 'got 60000');
    await revoke(stand.gateway.adminPort, { sub: 'user' });
    assert.deepEqual(await seen, ['open chat', 60_000, 1008, 'token_revoked', true]);
    await its.end();
    await eventually(
      () => lines.filter((line) => 'outcome' in line && line.outcome === 'upgraded'),
      (found) => found.length === 1,
    );
    const shown = lines.map((line) => {
      const { protocol, path, status } = line as Record<string, unknown>;
      return [path, protocol, status];
    });
    assert.deepEqual(
      shown.filter(([path]) => path !== '/favicon.ico'),
      [
        ['/page', 'h2', 200],
        ['/live', 'h2', 200],
      ],
    );
  });
});
