// Source: haproxy/haproxy#581 (NTLM behind a proxy that shares upstream connections), and an upstream that marks its socket as a user's (RFC 9110 §3.3).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire, type WireResponse } from '../support/wire.ts';

/** Schemes that authenticate a connection, in spellings that servers take. */
const ofConnections = [
  'NTLM TlRMTVNTUAADAAAA',
  'ntlm TlRMTVNTUAADAAAA',
  'Negotiate YIIZ/gYGKwYBBQUCoIIZ8',
  'NEGOTIATE YIIZ',
  'Kerberos YIIZ',
  'Nego2 YIIZ',
  'NTLM',
  'NTLM\tTlRMTVNTUAADAAAA',
  ', NTLM TlRMTVNTUAADAAAA',
];
/** Their neighbours, which authenticate one request. */
const ofRequests = [
  'Basic dTpw',
  'Bearer abc',
  'Digest username="ntlm"',
  'NTLMv9 abc',
  'Negotiated x',
  'AWS4-HMAC-SHA256 a',
];

/**
 * Gives each connection to the user who authenticated with NTLM or the like on it, and serves all later requests on it
 * in that name; `/challenge` sends `challenge`, and `/proxy` sends 407.
 */
class MarkingOrigin {
  readonly origin: Origin;
  challenge = 'WWW-Authenticate: NTLM';

  private constructor(origin: Origin) {
    this.origin = origin;
  }

  static async start(): Promise<MarkingOrigin> {
    const marking = new MarkingOrigin(await Origin.start());
    void marking.#accept();
    return marking;
  }

  async #accept(): Promise<void> {
    for (;;) void this.#serve(await this.origin.connection());
  }

  async #serve(connection: OriginConnection): Promise<void> {
    let user = 'nobody';
    try {
      for (;;) {
        const head = await connection.head();
        if (/^(proxy-)?authorization:[\t ,]*(ntlm|negotiate|kerberos|nego2)\b(?!v9)/im.test(head))
          user = 'alice';
        const asks = head.startsWith('GET /challenge ');
        const status = asks ? `401 No\r\n${this.challenge}` : '200 OK';
        const close = /^connection: close\r$/im.test(head) ? '+close' : '';
        const body = user + close;
        connection.write(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      }
    } catch {
      connection.socket.destroy(); // The gateway closed the connection.
    }
  }
}

let marking: MarkingOrigin;
let gateway: TestGateway;

before(async () => {
  marking = await MarkingOrigin.start();
  const at = (
    path: string,
  ): { name: string; match: { host: undefined; path: string; methods: undefined } } => ({
    name: path,
    match: { host: undefined, path, methods: undefined },
  });
  gateway = await startGateway({
    upstreamPort: marking.origin.port,
    routes: [
      { ...at('/'), auth: 'none' },
      { ...at('/pass'), auth: 'none', connectionAuth: 'pass' },
      { ...at('/cookie'), token: [{ kind: 'cookie', name: 't' }] },
    ],
  });
});

after(async () => {
  await gateway.close();
  await marking.origin.close();
});

async function ask(path: string, ...lines: string[]): Promise<WireResponse> {
  const wire = await Wire.open(gateway.port);
  wire.send(`GET ${path} HTTP/1.1\r\nHost: a.example\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);
  const response = await wire.response();
  wire.close();
  return response;
}

const isRefused = (response: WireResponse): void => {
  assert.equal(response.status, 403);
  assert.equal(JSON.parse(response.body).code, 'connection_auth_refused');
};

describe('a route without connectionAuth: pass', () => {
  for (const credentials of ofConnections) {
    test(`refuses ${JSON.stringify(credentials)}, and no other client becomes that user`, async () => {
      isRefused(await ask('/', `Authorization: ${credentials}`));
      assert.equal((await ask('/')).body, 'nobody');
    });
  }

  test('refuses them among two Authorization fields', async () => {
    isRefused(await ask('/', 'Authorization: Basic dTpw', 'Authorization: NTLM TlRM'));
    assert.equal((await ask('/')).body, 'nobody');
  });

  for (const credentials of ofRequests) {
    test(`carries ${credentials}`, async () => {
      const before = marking.origin.accepted;
      assert.equal((await ask('/', `Authorization: ${credentials}`)).body, 'nobody');
      assert.equal((await ask('/')).body, 'nobody');
      assert.ok(marking.origin.accepted <= before + 1, 'on a connection that is used again');
    });
  }

  test('beside a token in another place they do not reach upstream', async () => {
    const cookie = `Cookie: t=${gateway.bearer().slice('Bearer '.length)}`;
    assert.equal((await ask('/cookie', cookie)).body, 'nobody');
    assert.equal((await ask('/cookie', cookie, 'Authorization: Negotiate YIIZ')).body, 'nobody');
    assert.equal((await ask('/cookie', cookie)).body, 'nobody');
  });

  test('Proxy-Authorization is for this hop and never reaches upstream', async () => {
    assert.equal((await ask('/', 'Proxy-Authorization: NTLM TlRMTVNTUAADAAAA')).body, 'nobody');
  });
});

describe('a route with connectionAuth: pass', () => {
  for (const credentials of ofConnections) {
    test(`sends ${JSON.stringify(credentials)} on a connection of its own, which ends`, async () => {
      const before = marking.origin.accepted;
      assert.equal((await ask('/pass', `Authorization: ${credentials}`)).body, 'alice+close');
      assert.equal(marking.origin.accepted, before + 1, 'a new connection, although idle ones are there');
      for (let client = 0; client < 3; client += 1) assert.equal((await ask('/pass')).body, 'nobody');
    });
  }

  test('with every connection taken it waits for a place, not for a used connection', async () => {
    const held = await Origin.start();
    const small = await startGateway({
      upstreamPort: held.port,
      limits: { connections: 1 },
      routes: [{ auth: 'none', connectionAuth: 'pass' }],
    });
    const first = await Wire.open(small.port);
    first.send('GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n');
    const busy = await held.connection();
    await busy.head();
    const second = await Wire.open(small.port);
    second.send('GET /b HTTP/1.1\r\nHost: a.example\r\nAuthorization: NTLM TlRM\r\n\r\n');
    await eventually(
      () => small.connections(),
      (seen) => seen['waiting'] === 1,
    );
    busy.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na');
    assert.equal((await first.response()).body, 'a');
    await busy.closed();
    const own = await held.connection();
    assert.match(await own.head(), /^GET \/b [\s\S]*\r\nconnection: close\r\n/);
    own.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb');
    assert.equal((await second.response()).body, 'b');
    await own.closed();
    first.close();
    second.close();
    await small.close();
    await held.close();
  });
});

describe('a response with a challenge for the connection is forwarded, and its connection ends', () => {
  for (const challenge of [
    'WWW-Authenticate: NTLM',
    'WWW-Authenticate: ntlm TlRMTVNTUAACAAAA',
    'www-authenticate: Basic realm="a, b", Negotiate',
    'WWW-Authenticate: Basic realm="a"\r\nWWW-Authenticate: NEGOTIATE oYG2',
    'Proxy-Authenticate: NTLM',
  ]) {
    test(JSON.stringify(challenge), async () => {
      marking.challenge = challenge;
      const response = await ask('/challenge');
      assert.equal(response.status, 401);
      if (!challenge.startsWith('Proxy'))
        assert.match(response.headers.get('www-authenticate') ?? '', /ntlm|negotiate/i);
      await eventually(
        () => gateway.connections(),
        (seen) => seen['idle'] === undefined,
      );
    });
  }

  for (const challenge of ['WWW-Authenticate: Basic realm="a"', 'WWW-Authenticate: Digest realm="a"']) {
    test(`${challenge} ends none`, async () => {
      marking.challenge = challenge;
      assert.equal((await ask('/challenge')).status, 401);
      const before = marking.origin.accepted;
      assert.equal((await ask('/')).body, 'nobody');
      assert.equal(marking.origin.accepted, before);
    });
  }
});
