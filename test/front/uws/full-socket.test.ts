import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ClientStream } from '../../../src/front/front.ts';
import { UwsFront } from '../../../src/front/uws/front.ts';
import type { ResponseHead } from '../../../src/http/message.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { CounterFamily } from '../../../src/lib/counters.ts';
import { ConnectionLimit } from '../../../src/limits/connection-limit.ts';
import { eventually, silentLog } from '../../support/gateway.ts';
import { Wire } from '../../support/wire.ts';
import { Events, frontConfig, responseHead } from './fake-response.ts';

/** Responses that exceed by 100 kB what the kernel's socket buffers ever hold, some 10 MB. */
const MOST = 400;

let front: UwsFront;
let port = 0;
let respond: (stream: ClientStream) => void = () => {};
let served = 0;

before(async () => {
  front = new UwsFront({
    config: frontConfig,
    connections: new ConnectionLimit(100, systemClock, silentLog),
    handshakes: new CounterFamily(),
    events: {
      onRequest(stream) {
        served += 1;
        stream.listen(new Events());
        setImmediate(() => respond(stream));
      },
      onProxyRefused() {},
      onFault(error) {
        throw error;
      },
    },
  });
  await front.open();
  const address = await front.listen({ host: '127.0.0.1', port: 0 }, { shared: false });
  port = Number(address.slice(address.lastIndexOf(':') + 1));
});

after(() => front.close());

const small = responseHead('200 OK\r\nX-A: 1');
const large: ResponseHead = {
  ...small,
  lines: `${small.lines}${'v'.repeat(20_000)}\r\nX-B: ${'w'.repeat(20_000)}`,
};

/** Polls in a row without new bytes, some 600 ms, after which none will come. A time would also pass while no process runs. */
const STILL_POLLS = 100;

/** Sends requests repeatedly without reading, until the server sends nothing more; then reads everything. */
async function fill(response: (stream: ClientStream) => void): Promise<{ asked: number; text: string }> {
  respond = response;
  served = 0;
  const wire = await Wire.open(port);
  wire.pauseReading();
  let asked = 0;
  let polls = 0;
  await eventually(
    () => {
      polls += 1;
      if (served === asked) {
        asked += 1;
        polls = 0;
        wire.send('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
      }
    },
    () => polls > STILL_POLLS || asked === MOST,
  );
  wire.resumeReading();
  let seen = -1;
  polls = 0;
  await eventually(
    () => wire.pending.length,
    (length) => {
      polls = length === seen ? polls + 1 : 0;
      seen = length;
      return polls > STILL_POLLS;
    },
  );
  const text = wire.pending;
  wire.close();
  return { asked, text };
}

/** Every response in the text but the last is whole: head, then exactly `body`. */
function check(text: string, head: ResponseHead, body: string): number {
  const responses = text.split('HTTP/1.1 ').slice(1);
  for (const [at, response] of responses.slice(0, -1).entries()) {
    const end = response.indexOf('\r\n\r\n');
    const lines = response.slice(0, end);
    assert.ok(lines.startsWith(`${head.lines}\r\n`), `head of answer ${at} of ${responses.length}`);
    assert.equal(response.length - end - 4, body.length, `body of answer ${at} of ${responses.length}`);
  }
  return responses.length;
}

describe('a client that sends more requests without reading', () => {
  for (const [name, head, size] of [
    ['small bodies', small, 10_000],
    ['bodies above the cork buffer', small, 100_000],
    ['heads above the cork buffer', large, 10],
    ['both', large, 100_000],
  ] as const) {
    test(`gets whole responses with ${name}, and nothing piles up`, async () => {
      const body = 'b'.repeat(size);
      const { asked, text } = await fill((stream) => {
        stream.begin({ ...head, framing: 'length', contentLength: size });
        stream.send([Buffer.from(body)], true);
      });
      const responses = check(text, head, body);
      // The engine cuts a client that sends more while a response waits for the socket.
      assert.ok(responses >= asked - 1, `${responses} of ${asked}`);
      if (size > 10_000) assert.ok(asked < MOST, 'what it does not read is not kept for it');
    });
  }

  for (const [name, total] of [
    ['by length', 100_000],
    ['chunked', -1],
  ] as const) {
    test(`gets whole responses in pieces ${name}`, async () => {
      const { asked, text } = await fill((stream) => {
        const framing = total < 0 ? 'chunked' : 'length';
        stream.begin({ ...large, framing, contentLength: total });
        stream.send([Buffer.alloc(50_000, 'b'), Buffer.alloc(50_000, 'b')], true);
      });
      const heads = text.split('HTTP/1.1 ').slice(1);
      for (const head of heads.slice(0, -1)) assert.ok(head.startsWith(`${large.lines}\r\n`));
      assert.ok(heads.length >= asked - 1, `${heads.length} of ${asked}`);
    });
  }
});
