// Source: an operator's report: the log says `ready` while /readyz answers 503, because an issuer's keys are not there yet.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hang, jwk, keySet, ScriptedIssuer } from '../keysets/scripted-issuer.ts';
import { Stand } from '../process/stand.ts';
import { rsaKey } from '../support/tokens.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly notReady?: readonly { readonly what: string }[];
}

const linesOf = (text: string): readonly Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('the word ready', () => {
  let issuer: ScriptedIssuer;
  let stand: Stand;
  before(async () => {
    issuer = await ScriptedIssuer.start();
  });
  after(() => issuer.close());

  const config = (keys: object): object => ({
    listeners: 1,
    upstream: 'http://127.0.0.1:9',
    issuers: { app: { issuer: 'i', audience: 'a', algorithms: ['RS256'], keys } },
  });

  test('is logged when /readyz is 200 and not before; until then the log names what is missing', async () => {
    issuer.keys = hang;
    stand = await Stand.start(config({ jwks: issuer.url(), timeout: '1s' }));
    try {
      assert.equal((await stand.ready())[0], 503);
      const messages = linesOf(await stand.log()).map(({ message }) => message);
      assert.ok(messages.includes('serving') && !messages.includes('ready'), `${messages}`);
      const lines = linesOf(await stand.program.printed(/"message":"not ready yet"/));
      const { level, notReady = [] } = lines.find(({ message }) => message === 'not ready yet') as Line;
      assert.equal(level, 'warn');
      assert.deepEqual(
        notReady.map(({ what }) => what),
        ['issuer app'],
      );

      // The hanging attempt ends by its own limit, and the next one has a response.
      issuer.keys = keySet(jwk(rsaKey(), { kid: 'one' }));
      await stand.program.printed(/"message":"ready"/);
      assert.equal((await stand.ready())[0], 200);
    } finally {
      await stand.stop();
    }
    const messages = linesOf(await stand.log()).map(({ message }) => message);
    assert.equal(messages.filter((word) => word === 'ready').length, 1, `${messages}`);
  });

  test('is logged at once where nothing is awaited', async () => {
    stand = await Stand.start({ upstream: 'http://127.0.0.1:9', auth: 'none', listeners: 1 });
    try {
      await stand.program.printed(/"message":"ready"/);
      assert.equal((await stand.ready())[0], 200);
    } finally {
      await stand.stop();
    }
    assert.doesNotMatch(await stand.log(), /not ready yet/);
  });
});
