import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { jwk, keySet, ok, ScriptedIssuer, status } from '../keysets/scripted-issuer.ts';
import { needs } from '../support/programs.ts';
import { keyPair, rsaKey } from '../support/tokens.ts';
import { type Ended, program, run } from './program.ts';

const DOCUMENT = '/.well-known/openid-configuration';
const rsa = rsaKey();
const ec = keyPair('ES256');

let issuer: ScriptedIssuer;
let folder: string;
let file: string;

before(async () => {
  issuer = await ScriptedIssuer.start();
});
after(() => issuer.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  file = join(folder, 'portcullis.yaml');
  describeItself();
  issuer.keys = keySet(
    jwk(rsa, { kid: 'one', alg: 'RS256', use: 'sig' }),
    jwk(rsa, { kid: 'two', use: 'enc' }),
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

const name = (): string => issuer.url('');

function describeItself(members: object = {}): void {
  const document = { issuer: name(), jwks_uri: issuer.url(), ...members };
  issuer.responses.set(DOCUMENT, ok(JSON.stringify(document)));
}

const flags = (more: Readonly<Record<string, string>> = {}): string[] =>
  Object.entries({ issuer: name(), audience: 'orders', upstream: 'http://127.0.0.1:9000', ...more }).flatMap(
    ([option, value]) => [`--${option}`, value],
  );
const init = (...args: readonly string[]): Promise<Ended> => run(['init', ...args], { cwd: folder });

describe('init by options', () => {
  test('asks the issuer, shows its keys, and writes a file without faults', async () => {
    const { code, stdout, stderr } = await init(...flags());
    assert.deepEqual(
      [code, stderr, stdout.split('\n')],
      [
        0,
        '',
        [
          `keys of ${issuer.url()}:`,
          '  kid "one", RSA key of 2048 bits, for RS256',
          '  keys[1] (kid "two") is ignored: its "use" is not sig',
          './portcullis.yaml is written, and valid; portcullis start ./portcullis.yaml runs it',
          '',
        ],
      ],
    );
    assert.match(readFileSync(file, 'utf8'), /^# yaml-language-server: \$schema=file:/);
    const checked = await run(['check', '--strict', file]);
    assert.deepEqual([checked.code, checked.stderr], [0, '']);
    const result = loadConfig({ file, env: {} });
    assert.ok(result.ok);
    const { issuers, routes, upstreams, listen } = result.config;
    const main = issuers.get('main');
    assert.deepEqual(
      [main?.issuer, main?.audience, main?.algorithms, main?.remotes?.map(({ url }) => url)],
      [name(), ['orders'], ['RS256'], [`${name()}${DOCUMENT}`]],
    );
    assert.deepEqual(
      [routes.map((route) => [route.name, route.auth]), [...upstreams.keys()]],
      [[['/', ['main']]], ['service']],
    );
    assert.deepEqual(
      listen.map((address) => ('port' in address ? address.port : undefined)),
      [8080],
    );
  });

  test('takes an issuer that is no URL, other algorithms, and texts that YAML would read in another way', async () => {
    describeItself({ issuer: 'acme.com' });
    issuer.keys = keySet(jwk(rsa), jwk(ec));
    const { code, stderr } = await init(
      ...flags({
        issuer: 'acme.com',
        discovery: issuer.url(DOCUMENT),
        audience: '007',
        algorithms: 'ES256 PS256',
      }),
    );
    assert.deepEqual([code, stderr], [0, '']);
    const result = loadConfig({ file, env: {} });
    assert.ok(result.ok);
    const main = result.config.issuers.get('main');
    assert.deepEqual(
      [main?.issuer, main?.audience, main?.algorithms],
      ['acme.com', ['007'], ['ES256', 'PS256']],
    );
  });

  test('takes the usual algorithm of each key where the set names none', async () => {
    issuer.keys = keySet(jwk(rsa), jwk(ec));
    assert.equal((await init(...flags())).code, 0);
    assert.match(readFileSync(file, 'utf8'), /algorithms: \[RS256, ES256\]/);
  });

  test('replaces a file only by --force', async () => {
    writeFileSync(file, 'mine\n');
    const { code, stderr } = await init(...flags());
    assert.deepEqual(
      [code, stderr],
      [69, 'portcullis: ./portcullis.yaml exists; --force replaces it, --output FILE writes another file\n'],
    );
    assert.equal(readFileSync(file, 'utf8'), 'mine\n');
    assert.equal((await init(...flags(), '--output', 'other.yaml')).code, 0);
    assert.equal((await init(...flags(), '--force')).code, 0);
    assert.equal(readFileSync(file, 'utf8'), readFileSync(join(folder, 'other.yaml'), 'utf8'));
  });

  const refused: readonly [
    what: string,
    given: () => string[],
    code: number,
    sentence: RegExp,
    prepare?: () => void,
  ][] = [
    [
      'no option',
      () => [],
      64,
      /^portcullis: init needs --issuer, --audience, --upstream, as no terminal is there to ask on; nothing was written\n$/,
    ],
    [
      'no audience',
      () => flags().filter((text) => !/audience|orders/.test(text)),
      64,
      /init needs --audience, as no terminal/,
    ],
    [
      'an issuer that is no URL, alone',
      () => flags({ issuer: 'acme.com' }),
      64,
      /--discovery is missing, and no terminal/,
    ],
    [
      'the word for no check',
      () => flags({ audience: 'any' }),
      64,
      /--audience any switches the check off; must be/,
    ],
    [
      'an upstream without scheme',
      () => flags({ upstream: 'localhost:9000' }),
      64,
      /--upstream "localhost:9000" has no scheme; must have http:\/\/ before it; nothing/,
    ],
    [
      'an upstream that is the gateway',
      () => flags({ upstream: 'http://127.0.0.1:8080' }),
      64,
      /--upstream is an address of listen, so that the gateway would ask itself; .*; nothing/,
    ],
    ['a bad address', () => flags({ listen: '8080x' }), 64, /--listen .*; must be/],
    [
      'another algorithm',
      () => flags({ algorithms: 'RS256,ES256' }),
      64,
      /--algorithms ES256 fits no key of the issuer; must be of RS256; nothing/,
    ],
    [
      'a folder that is missing',
      () => [...flags(), '--output', 'none/p.yaml'],
      69,
      /none\/p\.yaml cannot be written \(ENOENT\)/,
    ],
    [
      'plain http from another machine',
      () => flags({ issuer: 'http://idp.example' }),
      64,
      /--discovery is plain http.*; must be https, or allowHttp: true; nothing/,
    ],
    [
      'a status',
      () => flags(),
      69,
      /openid-configuration answered with status 503; must be 200; nothing was written/,
      () => void issuer.responses.set(DOCUMENT, status(503)),
    ],
    [
      'a document of another issuer',
      () => flags(),
      69,
      /openid-configuration names the issuer "http:\/\/127\.0\.0\.1:\d+\/", .* slash.*; nothing was written/,
      () => describeItself({ issuer: `${name()}/` }),
    ],
    [
      'no JSON',
      () => flags(),
      69,
      /is not JSON; must be an OpenID discovery document; nothing/,
      () => void issuer.responses.set(DOCUMENT, ok('<html>')),
    ],
    [
      'no keys',
      () => flags(),
      69,
      /\/keys has no key by which tokens can be verified; nothing/,
      () => void issuer.responses.set('/keys', keySet()),
    ],
    [
      'no usable key',
      () => flags(),
      69,
      /has no key by which tokens can be verified:\n {2}keys\[0\] \(kid "x"\) is ignored: its "use" is not sig; nothing/,
      () => void issuer.responses.set('/keys', keySet(jwk(rsa, { kid: 'x', use: 'enc' }))),
    ],
    [
      'no key set',
      () => flags(),
      69,
      /\/keys is not a key set; must be a JWKS/,
      () => void issuer.responses.set('/keys', ok('{}')),
    ],
  ];
  for (const [what, given, code, sentence, prepare] of refused) {
    test(`${what} is refused`, async () => {
      prepare?.();
      const ended = await init(...given());
      assert.match(ended.stderr, sentence);
      assert.equal(ended.code, code);
      assert.equal(existsSync(file), false);
    });
  }
});

/** The program on a terminal. Each answer is typed once its question stands there. */
async function typed(
  args: readonly string[],
  answers: readonly (readonly [question: RegExp, answer: string])[],
) {
  const command = [process.execPath, program, 'init', ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], TERM: 'dumb' },
  });
  let screen = '';
  let seen = 0;
  const rest = [...answers];
  child.stdout.on('data', (bytes: Buffer) => {
    screen += bytes.toString();
    for (;;) {
      const [question, answer = ''] = rest[0] ?? [];
      const found = question?.exec(screen.slice(seen));
      if (!found) return;
      seen += found.index + found[0].length;
      rest.shift();
      child.stdin.write(answer);
    }
  });
  const [code] = await once(child, 'close');
  return { code, screen: screen.replaceAll('\r', ''), rest };
}

describe('init on a terminal', needs('script'), () => {
  test('asks for everything, and again after a wrong answer', async () => {
    issuer.keys = keySet(jwk(rsa, { kid: 'one' }));
    const { code, screen, rest } = await typed(
      [],
      [
        [/Issuer[^:]*: /, `${name()}\n`],
        [/Algorithms[^:]*: /, 'ES256\n'],
        [/must be of RS256[^:]*Algorithms[^:]*: /, '\n'],
        [/Audience[^:]*: /, '\n'],
        [/is empty; must be given\s+Audience[^:]*: /, 'orders\n'],
        [/Address[^:]*\[127\.0\.0\.1:8080\]: /, '127.0.0.1:8088\n'],
        [/URL of your service.*?: /, 'localhost:9000\n'],
        [/must have http:\/\/ before it\s+URL of your service.*?9000: /, 'http://127.0.0.1:9000\n'],
      ],
    );
    assert.deepEqual([code, rest], [0, []], screen);
    assert.match(screen, /kid "one", RSA key of 2048 bits, for RS256, RS384/);
    const checked = await run(['check', '--strict', file]);
    assert.deepEqual([checked.code, checked.stderr], [0, '']);
    assert.match(readFileSync(file, 'utf8'), /listen: 127\.0\.0\.1:8088\n/);
  });

  for (const [key, bytes] of [
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ] as const) {
    test(`${key} ends it, and writes nothing`, async () => {
      const { code, screen } = await typed(flags().slice(0, 2), [[/Audience[^:]*: /, bytes]]);
      assert.equal(code, 64, screen);
      assert.match(screen, /portcullis: the questions were left; nothing was written/);
      assert.equal(existsSync(file), false);
    });
  }
});
