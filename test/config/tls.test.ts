import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { formatFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/load.ts';
import { Authority } from '../support/authority.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const root = new Authority('root');
const middle = new Authority('middle', root);
const site = middle.issue({ names: ['a.example'] });
const other = middle.issue({ names: ['b.example'] });
const old = root.issue({ names: ['a.example'], dates: ['20200101000000Z', '20210101000000Z'] });
const early = root.issue({ names: ['a.example'], dates: ['20900101000000Z', '20990101000000Z'] });
const stapled = root.issue({ names: ['a.example'], mustStaple: true, ocsp: 'http://ocsp.example/a' });
const bare = root.issue({ names: ['a.example'], mustStaple: true });
const weak = root.issue({ names: ['a.example'], type: 'rsa', bits: 1024 });
const encrypted = createPrivateKey(site.key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' })
  .toString();

for (const [name, text] of Object.entries({
  'site.pem': site.cert + middle.cert + root.cert + site.key,
  'chain.pem': site.cert + middle.cert + root.cert,
  'alone.pem': site.cert + site.key,
  'site.key': site.key,
  'locked.key': encrypted,
  'other.pem': other.cert + middle.cert + root.cert + other.key,
  'other.key': other.key,
  'old.pem': old.cert + root.cert + old.key,
  'early.pem': early.cert + root.cert + early.key,
  'weak.pem': weak.cert + root.cert + weak.key,
  'ca.pem': root.cert,
  'crl.pem': root.crl([9]),
  'crls.pem': root.crl([9]) + middle.crl([10]),
  'old-crl.pem': root.crl([9]) + middle.crl([9], ['20200101000000Z', '20210203040506Z']),
  'broken-crl.pem': root.crl([9]).replace(/\n.{9}/, '\nAAAAAAAAA'),
  'nothing.pem': 'nothing',
  'staple.pem': stapled.cert + root.cert + stapled.key,
  'bare.pem': bare.cert + root.cert + bare.key,
})) {
  writeFileSync(join(folder, name), text);
}

/** Loads a file with one address, and one route for each host. */
function load(terms: string, hosts: readonly string[] = [], env: Record<string, string> = {}) {
  const routes = hosts.length === 0 ? '{}' : '';
  const text = [
    `listen: { address: 127.0.0.1:0, ${terms} }`,
    'upstreams: { app: { servers: [http://127.0.0.1:9000] } }',
    'routes:',
    ...hosts.map((host) => `  - { match: { host: "${host}", path: / }, auth: none, upstream: app }`),
    ...(routes === '' ? [] : ['  - { match: { path: / }, auth: none, upstream: app }']),
  ].join('\n');
  const result = parseConfig({ text, file: 'f', folder, env, cores: 1 });
  return result.ok
    ? {
        config: result.config,
        warnings: result.config.warnings.filter((one) => one.includes('listen')),
        faults: [],
      }
    : { config: undefined, warnings: [], faults: result.faults.map(formatFault) };
}

const tls = (certificates: string, rest = ''): string => `tls: { certificates: ${certificates}${rest} }`;

describe('TLS of an address', () => {
  test('has certificates from bundles, pairs, locked keys and texts', () => {
    const text = (site.cert + middle.cert + root.cert + site.key).replaceAll('\n', '\\n');
    for (const [terms, count] of [
      [tls('site.pem'), 1],
      [tls('[site.pem, other.pem]'), 2],
      [tls('[{ cert: chain.pem, key: site.key }]'), 1],
      [tls(`{ cert: chain.pem, key: locked.key, passphrase: "\${PASS}" }`), 1],
      [tls(`"\${PEM}"`), 1],
    ] as const) {
      const { config, faults, warnings } = load(terms, [], { PASS: 'sesame', PEM: text });
      assert.deepEqual([faults, warnings], [[], []], terms);
      const [address] = config?.listen ?? [];
      // Only the address says so; the front chooses.
      assert.equal(address?.engine, undefined);
      assert.equal(address?.tls?.certificates.length, count);
      assert.equal(address?.tls?.certificates[0]?.name, 'a.example');
      assert.match(address?.tls?.certificates[0]?.key ?? '', /BEGIN PRIVATE KEY/);
    }
  });

  test('has defaults, and takes every key', () => {
    const plain = load(tls('site.pem')).config?.listen[0]?.tls;
    assert.equal(plain?.minVersion, 'TLSv1.2');
    assert.equal(plain?.unknownName, 'default');
    assert.equal(plain?.stapling, true);
    assert.equal(plain?.clientCertificates, undefined);
    const full = load(
      `engine: node, protocols: [http/1.1], ${tls('site.pem', ', minVersion: TLSv1.3, ciphers: ECDHE+AESGCM, unknownName: refuse, stapling: off, clientCertificates: { ca: ca.pem, mode: optional, crl: crl.pem }')}`,
    );
    assert.deepEqual(full.faults, []);
    const made = full.config?.listen[0]?.tls;
    assert.equal(made?.minVersion, 'TLSv1.3');
    assert.equal(made?.unknownName, 'refuse');
    assert.equal(made?.stapling, false);
    assert.equal(made?.clientCertificates?.mode, 'optional');
    assert.match(made?.clientCertificates?.crl?.[0] ?? '', /BEGIN X509 CRL/);
  });

  test('leaves no room for HTTP/2 without TLS', () => {
    const { config, faults } = load(`protocols: [h2c], ${tls('site.pem')}`);
    assert.equal(config, undefined);
    assert.match(faults.join(), /protocols: names h2c, which is HTTP\/2 without TLS; must be h2 beside tls/);
  });

  test('is refused with the place and the remedy', () => {
    const at = (column: number, path: string): string => `f:1:${column}: listen.${path}: `;
    for (const [terms, place, fault] of [
      ['tls: {}', at(33, 'tls.certificates'), /is missing; must be a path/],
      ['tls: true', at(38, 'tls'), /is true; must be a mapping/],
      [tls('[]'), at(54, 'tls.certificates'), /is an empty list/],
      [tls('none.pem'), at(54, 'tls.certificates'), /none\.pem does not exist/],
      [tls('nothing.pem'), at(54, 'tls.certificates'), /holds no private key/],
      [tls('chain.pem'), at(54, 'tls.certificates'), /holds no private key/],
      [tls('[{ key: site.key }]'), 'listen.tls.certificates[0].cert: ', /is missing/],
      [tls('[{ cert: chain.pem, key: other.key }]'), 'listen.tls.certificates[0].cert: ', /for another key/],
      [tls('[{ cert: chain.pem, key: none.key }]'), 'listen.tls.certificates[0].key: ', /does not exist/],
      [
        tls('[{ cert: chain.pem, key: locked.key }]'),
        'certificates[0].cert: ',
        /must come with its passphrase/,
      ],
      [
        tls('[{ cert: chain.pem, key: locked.key, passphrase: xyzzy }]'),
        'certificates[0].cert: ',
        /this passphrase does not open/,
      ],
      [tls('weak.pem'), 'tls.certificates: ', /has an RSA key of 1024 bits; must have 2048/],
      [tls('site.pem', ', minVersion: TLSv1.1'), 'tls.minVersion: ', /must be TLSv1.2 or TLSv1.3/],
      [tls('site.pem', ', ciphers: FAST'), 'tls.ciphers: ', /does not know, its number 1; must be default/],
      [tls('site.pem', ', stapling: maybe'), 'tls.stapling: ', /must be on or off/],
      [tls('site.pem', ', unknownName: allow'), 'tls.unknownName: ', /must be default or refuse/],
      [tls('site.pem', ', clientCertificates: {}'), 'clientCertificates.ca: ', /is missing/],
      [
        tls('site.pem', ', clientCertificates: { ca: none.pem }'),
        'clientCertificates.ca: ',
        /does not exist/,
      ],
      [
        tls('site.pem', ', clientCertificates: { ca: nothing.pem }'),
        'clientCertificates.ca: ',
        /no certificate/,
      ],
      [
        tls('site.pem', ', clientCertificates: { ca: ca.pem, crl: site.pem }'),
        'clientCertificates.crl: ',
        /must be a PEM file of certificate revocation lists/,
      ],
      [
        tls('site.pem', ', clientCertificates: { ca: ca.pem, crl: broken-crl.pem }'),
        'clientCertificates.crl: ',
        /broken-crl\.pem holds a list that cannot be read/,
      ],
      [
        tls('site.pem', ', clientCertificates: { ca: ca.pem, mode: maybe }'),
        'mode: ',
        /must be required or optional/,
      ],
      [
        `redirect: https, ${tls('site.pem')}`,
        'listen.redirect: ',
        /leads to https, which this address speaks/,
      ],
      [`engine: uws, ${tls('site.pem')}`, 'listen.engine: ', /is uws, which speaks no TLS/],
      [tls('site.pem', ', cert: site.pem'), 'tls.cert: ', /is not a known key/],
    ] as const) {
      const { faults } = load(terms);
      assert.equal(faults.length, 1, `${terms}: ${faults}`);
      assert.ok(faults[0]?.includes(place), `${faults[0]}: ${place}`);
      assert.match(faults[0] ?? '', fault);
      assert.doesNotMatch(faults[0] ?? '', /xyzzy|BEGIN/);
    }
  });

  test('warns of what clients will refuse', () => {
    for (const [terms, hosts, warning] of [
      [tls('old.pem'), [], /listen\.tls\.certificates: .*old\.pem has expired at 2021-01-01/],
      [tls('early.pem'), [], /is not valid before 2090-01-01/],
      [tls('alone.pem'), [], /the intermediate certificate belongs behind it/],
      [
        tls('site.pem', ', clientCertificates: { ca: ca.pem, crl: old-crl.pem }'),
        [],
        /clientCertificates\.crl: .*old-crl\.pem holds a list whose successor was due at 2021-02-03T04:05:06\.000Z/,
      ],
      [
        tls('staple.pem', ', stapling: off'),
        [],
        /tls\.certificates: must have an OCSP response .* gets none: stapling is off;/,
      ],
      [
        tls('[site.pem, bare.pem]').replace('site.pem', 'other.pem'),
        [],
        /certificates\[1\]: must have an OCSP response .* gets none: it names no responder;/,
      ],
      [tls('[site.pem, site.pem]'), [], /certificates\[1\]: is never chosen/],
      [
        tls('[site.pem, other.pem]'),
        ['a.example'],
        /certificates\[1\]: is for b\.example, and no route serves/,
      ],
    ] as const) {
      const { faults, warnings } = load(terms, hosts);
      assert.deepEqual(faults, []);
      assert.equal(warnings.length, 1, `${terms}: ${warnings}`);
      assert.match(warnings[0] ?? '', warning);
    }
    assert.deepEqual(load(tls('staple.pem')).warnings, []);
    const crls = load(tls('site.pem', ', clientCertificates: { ca: ca.pem, crl: crls.pem }'));
    assert.deepEqual([crls.faults, crls.warnings], [[], []]);
    assert.equal(crls.config?.listen[0]?.tls?.clientCertificates?.crl?.length, 2);
    const { config } = load(tls('site.pem'), ['a.example', 'c.example']);
    assert.match(
      config?.warnings.join('\n') ?? '',
      /routes\[1\]\.match\.host: is c\.example, which no certificate names/,
    );
    assert.doesNotMatch(config?.warnings.join('\n') ?? '', /routes\[0\]/);
  });

  test('shows no path from the environment', () => {
    const { faults } = load(tls(`"\${SITE}"`), [], { SITE: 'secret-place.pem' });
    assert.equal(faults.length, 1);
    assert.doesNotMatch(faults[0] ?? '', /secret-place/);
  });
});
