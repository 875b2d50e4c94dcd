// Source: an adversarial review, what held: escapes for the terminal in a token, a path and a host that `explain` shows.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { run } from '../cli/program.ts';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';

/** Clears the screen, sets the title, reverses the direction, ends the line, forges one, hides the rest. */
const orders = '\u001b[2J\u001b]0;x\u0007\u202e\r\nroute     /, let in\u009b2K\u2028\u200b\0\u007f';
/** Characters that a terminal obeys instead of printing them. */
const obeyed = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));
const key = rsaKey();
const file = join(folder, 'portcullis.yaml');
writeFileSync(join(folder, 'key.pem'), key.pem);
writeFileSync(
  file,
  `listen: 127.0.0.1:0
issuers: { app: { issuer: x, audience: y, algorithms: [RS256], keys: { pem: key.pem }, tokenTypes: [JWT] } }
routes:
  - { match: { path: / }, auth: app, upstream: "http://127.0.0.1:9", require: { roles: [admin], claims: { plan: pro } } }
`,
);

const good = { iss: 'x', aud: 'y', exp: secondsFromNow(600), roles: ['admin'], plan: 'pro' };
const header = { alg: 'RS256', typ: 'JWT' };
const tokens: Readonly<Record<string, string>> = {
  iss: rs256(key, { ...good, iss: orders }, header),
  aud: rs256(key, { ...good, aud: [orders, `${orders}${orders}`] }, header),
  'a claim that is demanded': rs256(key, { ...good, plan: orders }, header),
  alg: rs256(key, good, { ...header, alg: orders }),
  kid: rs256(key, good, { ...header, kid: orders }),
  typ: rs256(key, good, { ...header, typ: orders }),
  crit: rs256(key, good, { ...header, crit: [orders], [orders]: 1 }),
  'a name that stands twice': rs256(
    key,
    `{"a":1,${JSON.stringify(orders)}:1,${JSON.stringify(orders)}:2}`,
    header,
  ),
  'the token itself': `a.${orders.replaceAll('\0', '')}.b`,
};

/** Only lines of the program begin at the start of a line. */
async function assertHarmless(args: readonly string[], input?: string): Promise<void> {
  const { code, stdout, stderr } = await run(
    ['explain', '--config', file, ...args],
    input === undefined ? {} : { input },
  );
  assert.notEqual(code, 70, stderr);
  // Its own lines end with a line feed.
  assert.doesNotMatch(`${stdout}${stderr}`.replaceAll('\n', ''), obeyed);
  assert.doesNotMatch(stdout, /^route {5}\/, let in/m);
}

describe('explain prints foreign text without obeying it', () => {
  for (const [where, token] of Object.entries(tokens)) {
    test(where, () => assertHarmless(['-'], token));
  }

  test('in the options', () =>
    assertHarmless([
      ...['--path', `/${orders}`, '--host', orders, '--method', `G${orders}T`].map((text) =>
        text.replaceAll('\0', ''),
      ),
      tokens['iss'] as string,
    ]));

  test('has a neighbour that is accepted', async () => {
    const { code, stdout } = await run(['explain', '--config', file, rs256(key, good, header)]);
    assert.equal(code, 0, stdout);
  });
});
