import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revocationsView } from '../../src/gateway/admin-view.ts';

test('repeated scrapes of the metrics do not iterate over all revocations; the status does', () => {
  let walks = 0;
  const view = revocationsView({
    size: 3,
    foreign: 1,
    span: () => {
      walks += 1;
      return { oldest: 1, newest: 2 };
    },
  });
  assert.equal(view.entries, 3);
  assert.equal(walks, 0);
  assert.deepEqual([view.oldest, view.newest], [1, 2]);
  assert.ok(walks > 0);
});
