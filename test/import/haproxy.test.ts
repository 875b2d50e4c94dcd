import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { needs } from '../support/programs.ts';
import { rsaKey } from '../support/tokens.ts';
import { configurations } from './configurations.ts';
import { differences, essence, type Made } from './differences.ts';
import { askBoth } from './pair.ts';
import { type Asked, requestsFor, tokensOf } from './requests.ts';
import { Stand, speaksTls } from './stand.ts';

/** Requests to each configuration. */
const COUNT = 40;

/** Differences that one configuration shows at least, so that none is listed in vain. */
const met = new Set<string>();

function difference(asked: Asked, theirs: Made, ours: Made, text: string): string | undefined {
  if (theirs.seen !== undefined && ours.seen !== undefined) {
    if (JSON.stringify(essence(theirs.seen)) === JSON.stringify(essence(ours.seen))) return undefined;
  } else if (
    theirs.seen === undefined &&
    ours.seen === undefined &&
    theirs.response?.status === ours.response?.status
  ) {
    return undefined;
  }
  // Whatever HAProxy refuses, the gateway refuses.
  const isIn = theirs.seen === undefined && ours.seen !== undefined;
  const found = isIn ? undefined : differences.find(({ applies }) => applies(asked, theirs, ours, text));
  const told = { asked, theirs: theirs.seen ?? theirs.response?.raw, ours: ours.seen ?? ours.response?.raw };
  assert.ok(found !== undefined, `a difference without a name: ${JSON.stringify(told, null, 1)}`);
  return found.name;
}

describe('real HAProxy with a file, and a gateway with the imported one', needs('haproxy'), () => {
  let stand: Stand;
  before(() => {
    stand = new Stand();
  });
  after(() => stand?.close());

  for (const { name, text } of configurations()) {
    test(name, async () => {
      const tokens = tokensOf(stand.key, rsaKey());
      const haproxy = await stand.haproxy(text);
      try {
        const { gateway, port, second, imported } = await stand.gateway(text);
        try {
          if (/ssl crt/.test(text)) for (const tls of [haproxy.second, second]) speaksTls(tls);
          for (const asked of requestsFor(text, COUNT, 7)) {
            const { theirs, ours, isRespelled } = await askBoth(haproxy, { port, second }, asked, tokens);
            if (isRespelled) met.add('spelling of a host');
            const what = difference(asked, theirs, ours, text);
            if (what !== undefined) met.add(what);
            if (what === 'closed') assert.ok(imported.isClosed, 'a closed route ends with 1');
          }
        } finally {
          await gateway.close({ graceMs: 0 });
        }
      } finally {
        await haproxy.close();
      }
    });
  }

  test('no difference is listed in vain', () => {
    assert.deepEqual(
      [...differences.map(({ name }) => name), 'spelling of a host'].filter((name) => !met.has(name)),
      [],
    );
  });
});
