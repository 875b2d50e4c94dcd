import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TokenMarks } from '../../src/auth/revocations.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { marksOf, NOW, newList, revocationOf } from './support.ts';

function covers(revocation: Partial<Revocation>, marks: Partial<TokenMarks>): boolean {
  const list = newList();
  list.add(revocationOf(revocation));
  return list.cover(marksOf(marks));
}

describe('a revocation', () => {
  const rows: readonly [
    what: string,
    Partial<Revocation>,
    hit: Partial<TokenMarks>[],
    not: Partial<TokenMarks>[],
  ][] = [
    ['of a token', { jti: 'j' }, [{ jti: 'j' }, { jti: 'j', sub: 's' }], [{ jti: 'k' }, {}, { sub: 'j' }]],
    [
      'of a user',
      { sub: 's' },
      [{ sub: 's' }, { sub: 's', sid: 'x', jti: 'j' }],
      [{ sub: 't' }, {}, { sid: 's' }],
    ],
    ['of a session', { sid: 'x' }, [{ sid: 'x', sub: 's' }], [{ sid: 'y' }, { sub: 's' }, {}]],
    ['of an application', { application: 'a' }, [{ application: 'a', sub: 's' }], [{ application: 'b' }, {}]],
    ['of an issuer', { issuer: 'main' }, [{}, { sub: 's' }], [{ issuer: 'other' }]],
    [
      'of an issuer’s user',
      { issuer: 'main', sub: 's' },
      [{ sub: 's' }],
      [{ issuer: 'other', sub: 's' }, { sub: 't' }],
    ],
    [
      'of a user in an application',
      { sub: 's', application: 'a' },
      [{ sub: 's', application: 'a' }, { sub: 's' }],
      [{ sub: 's', application: 'b' }, { sub: 't', application: 'a' }, { sub: 't' }],
    ],
    [
      'of a user’s session in an application',
      { sub: 's', application: 'a', sid: 'x' },
      [
        { sub: 's', application: 'a', sid: 'x' },
        { sub: 's', application: 'a' },
        { sub: 's', sid: 'x' },
        { sub: 's' },
      ],
      [
        { sub: 's', application: 'a', sid: 'y' },
        { sub: 's', application: 'b', sid: 'x' },
        { sub: 's', application: 'b' },
        { sub: 's', sid: 'y' },
        { sub: 't', application: 'a', sid: 'x' },
        { application: 'a', sid: 'x' },
      ],
    ],
    [
      'of a user’s token',
      { sub: 's', jti: 'j' },
      [{ sub: 's', jti: 'j' }],
      [{ sub: 's' }, { sub: 's', jti: 'k' }],
    ],
  ];
  for (const [what, revocation, hit, not] of rows) {
    test(`${what} hits its tokens and no others`, () => {
      for (const marks of hit) assert.equal(covers(revocation, marks), true, JSON.stringify(marks));
      for (const marks of not) assert.equal(covers(revocation, marks), false, JSON.stringify(marks));
    });
  }

  test('hits tokens issued before it or within its second', () => {
    for (const [issuedAt, hit] of [
      [0, true],
      [NOW - 1, true],
      [NOW, true],
      [NOW + 1, false],
    ] as const) {
      assert.equal(covers({ sub: 's' }, { sub: 's', issuedAt }), hit, `${issuedAt - NOW}`);
    }
    const always = { before: Number.POSITIVE_INFINITY, jti: 'j' };
    assert.equal(covers(always, { jti: 'j', issuedAt: NOW + 1e6 }), true);
  });

  test('cannot be made of parts of other texts', () => {
    assert.equal(covers({ sub: 'a', sid: 'bc' }, { sub: 'ab', sid: 'c' }), false);
    assert.equal(covers({ sub: '1:a', sid: 'b' }, { sub: '1:a1:b' }), false);
    assert.equal(covers({ sub: '-' }, {}), false);
    assert.equal(covers({ sid: '' }, {}), false);
    assert.equal(covers({ sub: '__proto__' }, { sub: 'constructor' }), false);
    assert.equal(covers({ sub: '__proto__' }, { sub: '__proto__' }), true);
  });
});

describe('the list', () => {
  test('raises its version with each change that voids a token, and with no other', () => {
    const list = newList();
    const { version } = list;
    assert.equal(list.add(revocationOf({ sub: 's' })), true);
    assert.equal(list.version, version + 1);
    assert.equal(list.add(revocationOf({ sub: 's' })), false);
    assert.equal(list.add(revocationOf({ sub: 's', before: NOW - 5 })), false);
    assert.equal(list.version, version + 1);
    assert.equal(list.add(revocationOf({ sub: 's', before: NOW + 5 })), true);
    assert.equal(list.version, version + 2);
    assert.equal(list.size, 1);
    assert.equal(list.cover(marksOf({ sub: 's', issuedAt: NOW + 5 })), true);
  });

  test('keeps a later event when an earlier one comes after it', () => {
    const list = newList();
    list.add(revocationOf({ sub: 's', application: 'a', sid: 'x', before: NOW }));
    list.add(revocationOf({ sub: 's', application: 'a', sid: 'y', before: NOW - 100 }));
    assert.equal(list.cover(marksOf({ sub: 's', application: 'a', issuedAt: NOW - 50 })), true);
    assert.equal(list.cover(marksOf({ sub: 's', application: 'a', sid: 'y', issuedAt: NOW - 50 })), false);
  });

  test('drops revocations that have ended, and not before', () => {
    const list = newList();
    list.add(revocationOf({ sub: 's', sid: 'x', expiresAt: NOW + 3600 }));
    list.add(revocationOf({ sub: 't', expiresAt: NOW + 7200 }));
    list.add(revocationOf({ sub: 'u', expiresAt: Number.POSITIVE_INFINITY }));
    list.add(revocationOf({ sub: 'v', expiresAt: NOW + 3600 }));
    list.add(revocationOf({ sub: 'v', expiresAt: NOW + 7200 }));
    list.sweep(NOW + 3599);
    assert.equal(list.size, 4);
    assert.equal(list.cover(marksOf({ sub: 's' })), true);
    list.sweep(NOW + 3600 + 1200);
    assert.equal(list.size, 3);
    assert.equal(list.cover(marksOf({ sub: 's', sid: 'x' })), false);
    assert.equal(list.cover(marksOf({ sub: 's' })), false);
    assert.equal(list.cover(marksOf({ sub: 'v' })), true);
    list.sweep(NOW + 1e9);
    assert.deepEqual(
      Array.from(list.all(), ({ sub }) => sub),
      ['u'],
    );
    list.add(revocationOf({ sub: 's', expiresAt: NOW + 2e9 }));
    assert.equal(list.cover(marksOf({ sub: 's' })), true);
  });

  test('drops them in pieces when many have ended', () => {
    const list = newList();
    for (let user = 0; user < 5_000; user += 1) list.add(revocationOf({ sub: `user ${user}` }));
    const sizes: number[] = [];
    for (let sweep = 0; sweep < 4; sweep += 1) {
      list.sweep(NOW + 86_400);
      sizes.push(list.size);
    }
    assert.deepEqual(sizes, [3_000, 1_000, 0, 0]);
  });

  test('has room for repeated revocations, and drops nothing for more', () => {
    const list = newList(2);
    const [a, b, c] = ['a', 'b', 'c'].map((sub) => revocationOf({ sub })) as [
      Revocation,
      Revocation,
      Revocation,
    ];
    assert.equal(list.hasRoomFor([a, b, a]), true);
    assert.equal(list.hasRoomFor([a, b, c]), false);
    list.add(a);
    list.add(b);
    assert.equal(list.hasRoom, false);
    assert.equal(list.hasRoomFor([{ ...a, before: NOW + 1 }, b]), true);
    assert.equal(list.hasRoomFor([c]), false);
  });

  test('reports the first and the last time, without missing ones', () => {
    const list = newList();
    assert.deepEqual(list.span(), { oldest: undefined, newest: undefined });
    list.add(revocationOf({ jti: 'j', before: Number.POSITIVE_INFINITY }));
    assert.deepEqual(list.span(), { oldest: undefined, newest: undefined });
    list.add(revocationOf({ sub: 's', sid: 'a', before: NOW - 5 }));
    list.add(revocationOf({ sub: 't', before: NOW }));
    assert.deepEqual(list.span(), { oldest: NOW - 5, newest: NOW });
  });

  test('yields entries that bring another list to the same state', () => {
    const list = newList();
    list.add(revocationOf({ sub: 's', application: 'a', sid: 'x', issuer: 'main' }));
    list.add(
      revocationOf({ jti: 'j', before: Number.POSITIVE_INFINITY, expiresAt: Number.POSITIVE_INFINITY }),
    );
    const all = [...list.all()];
    assert.equal(all.length, 2);
    const copy = newList();
    for (const revocation of all) copy.add(revocation);
    assert.deepEqual([...copy.all()], all);
    assert.equal(copy.cover(marksOf({ sub: 's', application: 'a' })), true);
  });
});
