import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  type Fetch,
  FetchError,
  type FetchOptions,
  fetchDocument,
} from '../../src/keysets/fetch-document.ts';
import { systemFetch } from '../../src/keysets/system-fetch.ts';
import { drop, hang, ok, ScriptedIssuer, status } from './scripted-issuer.ts';
import { startSecureIssuer } from './secure-issuer.ts';

const LIMIT = 1024 * 1024;
const plain = await ScriptedIssuer.start();
const { server: secure, trusting, close } = await startSecureIssuer();
after(async () => {
  await close();
  await plain.close();
});

function get(url: string, options: Partial<FetchOptions> = {}, secureSoFar = false) {
  const signal = new AbortController().signal;
  return fetchDocument(new URL(url), secureSoFar, {
    fetch: systemFetch,
    accept: '*/*',
    allowHttp: false,
    signal,
    ...options,
  });
}

async function refusal(url: string, options: Partial<FetchOptions> = {}, secureSoFar = false) {
  const error = await get(url, options, secureSoFar).then(
    () => assert.fail('it was fetched'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof FetchError, String(error));
  return error.message;
}

describe('a document is fetched', () => {
  test('with its text and freshness', async () => {
    plain.keys = ok('{"a":"ä"}', { 'cache-control': 'max-age=60', 'content-type': 'image/png' });
    assert.deepEqual(await get(plain.url()), { text: '{"a":"ä"}', freshMs: 60_000, secure: false });
  });

  test('up to the limit and not a byte more, with any Content-Length', async () => {
    plain.keys = ok('x'.repeat(LIMIT));
    assert.equal((await get(plain.url())).text.length, LIMIT);
    plain.keys = ok('x'.repeat(LIMIT + 1));
    assert.equal(await refusal(plain.url()), `${plain.url()} sent more than ${LIMIT} bytes`);
    plain.keys = ok('x', { 'content-length': '1' });
    assert.equal((await get(plain.url())).text, 'x');
  });

  test('without end, until the limit cuts it', async () => {
    let ended: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => {
      ended = resolve;
    });
    plain.keys = (response) => {
      response.writeHead(200);
      const chunk = 'x'.repeat(64 * 1024);
      const go = (): void => {
        while (response.write(chunk));
      };
      response.on('drain', go).on('close', () => ended?.());
      go();
    };
    assert.match(await refusal(plain.url()), /sent more than/);
    await closed;
  });

  test('compressed, and the limit counts its decompressed size', async () => {
    const packed = gzipSync(Buffer.alloc(64 * LIMIT));
    plain.keys = (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
    assert.ok(packed.length < LIMIT);
    assert.match(await refusal(plain.url()), /sent more than/);
  });

  test('over https', async () => {
    secure.keys = ok('{}');
    assert.deepEqual(await get(secure.url(), { fetch: trusting }), {
      text: '{}',
      freshMs: undefined,
      secure: true,
    });
  });
});

describe('a document is refused', () => {
  for (const code of [201, 204, 206, 304, 400, 401, 404, 429, 500, 503]) {
    test(`with status ${code}`, async () => {
      plain.keys = (response) => response.writeHead(code).end();
      assert.equal(await refusal(plain.url()), `${plain.url()} answered with status ${code}; must be 200`);
    });
  }

  test('when it is not UTF-8', async () => {
    plain.keys = (response) => response.end(Buffer.from([0x7b, 0xff, 0x7d]));
    assert.equal(await refusal(plain.url()), `${plain.url()} did not send UTF-8 text`);
  });

  test('when the connection ends in the middle of it', async () => {
    plain.keys = drop;
    assert.equal(await refusal(plain.url()), `${plain.url()} cannot be reached (UND_ERR_SOCKET)`);
  });

  test('when the connection ends before it, or is refused', async () => {
    plain.keys = (response) => response.destroy();
    assert.equal(await refusal(plain.url()), `${plain.url()} cannot be reached (UND_ERR_SOCKET)`);
    const gone = await ScriptedIssuer.start();
    const url = gone.url();
    await gone.close();
    assert.equal(await refusal(url), `${url} cannot be reached (ECONNREFUSED)`);
  });

  for (const [name, responder] of [
    ['before its head', hang],
    ['in its body', ((response) => response.writeHead(200).write('{')) satisfies typeof hang],
  ] as const) {
    test(`when the caller aborts it ${name}`, async () => {
      const server = await ScriptedIssuer.start();
      server.keys = responder;
      const controller = new AbortController();
      const refused = refusal(server.url(), { signal: controller.signal });
      await server.askedTimes(1);
      controller.abort(new FetchError('long enough'));
      assert.equal(await refused, 'long enough');
      await server.close();
    });
  }

  test('from a server whose certificate has an unknown authority', async () => {
    assert.equal(
      await refusal(secure.url()),
      `${secure.url()} has a certificate that is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT); NODE_EXTRA_CA_CERTS names further authorities`,
    );
  });

  test('over plain http from elsewhere, and no server gets a request', async () => {
    const asked: string[] = [];
    const fetch: Fetch = async (url) => {
      asked.push(url.href);
      return new Response('{}');
    };
    assert.match(
      await refusal('http://idp.example/keys', { fetch }),
      /^http:\/\/idp\.example\/keys is plain http/,
    );
    assert.deepEqual(asked, []);
    assert.equal((await get('http://idp.example/keys', { fetch, allowHttp: true })).text, '{}');
  });
});

describe('a redirect', () => {
  const hops = (count: number): string => {
    for (let hop = 0; hop < count; hop += 1) {
      plain.responses.set(
        `/hop${hop}`,
        status([301, 302, 303, 307, 308][hop % 5] as number, { location: `hop${hop + 1}` }),
      );
    }
    plain.responses.set(`/hop${count}`, ok('{}'));
    return plain.url('/hop0');
  };

  test('is followed three times, relative addresses too', async () => {
    assert.equal((await get(hops(3))).text, '{}');
    const before = plain.asked.length;
    assert.equal(await refusal(hops(4)), `${plain.url('/hop0')} redirects more than 3 times`);
    assert.deepEqual(plain.asked.slice(before), ['/hop0', '/hop1', '/hop2', '/hop3']);
  });

  test('without a readable address is refused', async () => {
    for (const headers of [{}, { location: '' }, { location: 'http://[' }]) {
      plain.keys = status(302, headers as Record<string, string>);
      assert.equal(await refusal(plain.url()), `${plain.url()} redirects without an address`);
    }
  });

  test('to plain http elsewhere, to a file or with a password is refused', async () => {
    for (const [location, obstacle] of [
      ['http://idp.example/k?secret', 'http://idp.example/k, which is plain http'],
      ['file:///etc/passwd', 'null/etc/passwd, which is not an https URL'],
      ['data:,{}', 'null,{}, which is not an https URL'],
      ['https://user:word@idp.example/', 'https://idp.example/, which holds a user or a password'],
    ] as const) {
      plain.keys = status(302, { location });
      const message = await refusal(plain.url());
      assert.ok(message.startsWith(`${plain.url()} redirects to ${obstacle}`), message);
    }
  });

  test('from http to https is followed, and from https to http is not, on this machine too', async () => {
    secure.keys = ok('{}');
    plain.keys = status(302, { location: secure.url() });
    assert.equal((await get(plain.url(), { fetch: trusting })).secure, true);

    secure.keys = status(302, { location: plain.url() });
    const before = plain.asked.length;
    const message = `${secure.url()} redirects to ${plain.url()}, which is not https, as the way to it was; must be https`;
    assert.equal(await refusal(secure.url(), { fetch: trusting, allowHttp: true }), message);
    assert.equal(plain.asked.length, before);
  });

  test('cannot weaken the scheme: https stays https', async () => {
    assert.match(await refusal(plain.url(), { allowHttp: true }, true), /must be https$/);
  });
});
