import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { ClientStream } from '../../../../src/front/front.ts';
import { debianPython, needs, needsModules } from '../../../support/programs.ts';
import { plainTerms } from './client.ts';
import { EchoExchange, pattern } from './echo-exchange.ts';
import { H2Server } from './net-server.ts';

const run = promisify(execFile);
/** A client with httpx: large bodies both ways, one of them in pieces, and 200 requests at one time. */
const httpx = `
import asyncio, httpx, sys
async def pieces(body):
    for at in range(0, len(body), 7000):
        yield body[at:at + 7000]
async def main():
    async with httpx.AsyncClient(http1=False, http2=True, base_url=sys.argv[1], timeout=60) as client:
        body = bytes(at * 31 & 255 for at in range(1000000))
        for content in (body, pieces(body)):
            response = await client.post('/', content=content)
            assert (response.http_version, response.content == body) == ('HTTP/2', True)
        responses = await asyncio.gather(*(client.get(f'/{size}') for size in range(1, 201)))
        print([len(response.content) for response in responses] == list(range(1, 201)))
        print((await client.head('/5')).headers['content-length'])
asyncio.run(main())
`;

/** Bytes of output that are collected. */
const MOST = 20_000_000;

describe('programs that speak HTTP/2 by prior knowledge', () => {
  const faults: unknown[] = [];
  let server: H2Server;
  let origin: string;
  let folder: string;
  let file: string;

  before(async () => {
    const events = {
      onRequest: (stream: ClientStream) => new EchoExchange(stream),
      onProxyRefused: () => {},
      onFault: (error: unknown) => faults.push(error),
    };
    // nghttp --continuation sends a head of 18 KB.
    server = new H2Server(events, { ...plainTerms, limits: { requestHead: 65_536, headerFields: 200 } });
    origin = `http://127.0.0.1:${await server.listen()}`;
    folder = mkdtempSync(join(tmpdir(), 'portcullis-h2-'));
    file = join(folder, 'body');
    writeFileSync(file, pattern(0, 3_000_000));
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
    assert.deepEqual(faults, []);
  });

  const output = async (program: string, ...args: readonly string[]): Promise<Buffer> => {
    const { stdout } = await run(program, args, { encoding: 'buffer', maxBuffer: MOST });
    return stdout;
  };

  describe('curl', needs('curl'), () => {
    const curl = async (...args: readonly string[]): Promise<Buffer> =>
      await output('curl', '--silent', '--show-error', '--http2-prior-knowledge', ...args);

    test('downloads', async () => {
      assert.ok((await curl(`${origin}/5000000`)).equals(pattern(0, 5_000_000)));
    });

    test('uploads with and without a length, and gets all of it back', async () => {
      for (const header of ['Content-Type: a/b', 'Transfer-Encoding: chunked', 'Expect: 100-continue']) {
        const back = await curl('--header', header, '--data-binary', `@${file}`, `${origin}/`);
        assert.ok(back.equals(pattern(0, 3_000_000)), header);
      }
    });

    // Not more than one request: curl 7.88 cannot use such a connection again, whichever server it talks to.
    test('sends a HEAD', async () => {
      assert.match(`${await curl('--head', `${origin}/5`)}`, /^HTTP\/2 200 \r\n/);
    });
  });

  describe('nghttp', needs('nghttp'), () => {
    test('downloads with windows of 2^14 bytes and padding', async () => {
      const back = await output(
        'nghttp',
        '--window-bits=14',
        '--connection-window-bits=14',
        '--padding=100',
        `${origin}/300000`,
      );
      assert.ok(back.equals(pattern(0, 300_000)));
    });

    test('uploads with padding, CONTINUATION frames and trailers', async () => {
      const back = await output(
        'nghttp',
        '--padding=200',
        '--continuation',
        `--data=${file}`,
        '--trailer=x-sum: 1',
        `${origin}/`,
      );
      assert.ok(back.equals(pattern(0, 3_000_000)));
    });

    test('asks for the same resource many times', async () => {
      const back = await output('nghttp', '--multiply=100', '--no-content-length', `${origin}/1000`);
      assert.equal(back.length, 100_000);
    });
  });

  test('httpx of Python uploads and downloads', needsModules('httpx', 'h2'), async () => {
    assert.equal(`${await output(debianPython, '-c', httpx, origin)}`, 'True\n5\n');
  });

  test('h2load gets all it asks for', needs('h2load'), async () => {
    for (const streams of ['1', '10', '100']) {
      const report = `${await output('h2load', '--requests=2000', '--clients=4', `--max-concurrent-streams=${streams}`, `${origin}/26`)}`;
      assert.match(
        report,
        /2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored/,
        report,
      );
    }
  });
});
