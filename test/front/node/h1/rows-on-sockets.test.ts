import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Reason, reasons } from '../../../../src/reasons.ts';
import { startGateway, type TestGateway } from '../../../support/gateway.ts';
import { Origin, type OriginConnection } from '../../../support/origin.ts';
import { Wire } from '../../../support/wire.ts';
import { bodies } from './request-body-rows.ts';
import { heads } from './request-head-rows.ts';
import { usualLimits } from './request-player.ts';
import { get, type Row } from './request-row.ts';

let origin: Origin;
let gateway: TestGateway;
/** Requests that reached upstream whole. */
let whole = 0;

before(async () => {
  origin = await Origin.start();
  void (async () => {
    for (;;) void respond(await origin.connection());
  })();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }], limits: usualLimits },
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

async function respond(connection: OriginConnection): Promise<void> {
  try {
    for (;;) {
      await connection.take(isWhole);
      whole += 1;
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }
  } catch {
    connection.socket.destroy(); // The gateway closed the connection.
  }
}

/** Whether this is a whole request, framed in one of the ways in which the gateway frames them. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n') + 4;
  if (end < 4) return false;
  const length = /\r\ncontent-length: (\d+)\r\n/.exec(text.slice(0, end))?.[1];
  if (length !== undefined) return text.length >= end + Number(length);
  return !text.includes('\r\ntransfer-encoding: chunked\r\n') || /\r\n0\r\n([^\r\n]+\r\n)*\r\n$/.test(text);
}

/** Rows whose bytes end with a message or with a fault, under the limits of the gateway. */
const fits = ({ limits, messages, fault }: Row): boolean =>
  limits.requestHead === usualLimits.requestHead &&
  limits.headerFields === usualLimits.headerFields &&
  (fault !== undefined || messages.every(({ complete }) => complete));

/** What upstream gets of a row; the gateway replies to the others itself. */
const forwarded = ({ messages }: Row): number =>
  messages.filter(({ complete, line }) => complete !== false && line !== 'OPTIONS * HTTP/1.1').length;

describe('on sockets', () => {
  for (const row of [...heads, ...bodies].filter(fits)) {
    test(`${row.name}: ${row.fault ?? 'each request gets its response'}`, async () => {
      const start = whole;
      const wire = await Wire.open(gateway.port);
      wire.send(row.bytes);
      for (const { complete, line } of row.messages) {
        if (complete === false) continue;
        assert.equal((await wire.response()).status, line === 'OPTIONS * HTTP/1.1' ? 204 : 200);
      }
      if (row.fault === undefined) wire.end();
      else {
        const { status, body } = await wire.response();
        assert.equal(status, reasons[row.fault as Reason].status);
        assert.equal(JSON.parse(body).code, row.fault);
        // Whatever comes after a refusal is no request.
        wire.send(get());
        wire.end();
      }
      assert.equal(await wire.untilClosed(), '');
      assert.equal(whole - start, forwarded(row));
    });
  }
});
