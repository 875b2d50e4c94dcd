import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AdminViewSources, adminView } from '../../src/gateway/admin-view.ts';

test('the metrics, scraped again and again, do not walk over all revocations; the status does', () => {
  let walks = 0;
  const store = {
    size: 3,
    span: () => {
      walks += 1;
      return { oldest: 1, newest: 2 };
    },
  };
  const sources = { control: { revocation: { store } } };
  const view = adminView(sources as unknown as AdminViewSources);
  const seen = view.revocations();
  assert.equal(seen?.entries, 3);
  assert.equal(walks, 0);
  assert.deepEqual([seen.oldest, seen.newest], [1, 2]);
  assert.ok(walks > 0);
});
