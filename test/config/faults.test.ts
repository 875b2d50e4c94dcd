import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { faultsOf, fixtures } from './check.ts';

/** A valid file, one key to a line, so that a case can replace or add a line. */
const base: Readonly<Record<string, string>> = {
  listen: 'listen: 127.0.0.1:8080',
  admin: 'admin: 127.0.0.1:9090',
  issuers:
    'issuers: { app: { issuer: https://idp, audience: api, algorithms: [RS256], keys: { pem: public-key.pem } } }',
  upstreams: 'upstreams: { app: { servers: [http://127.0.0.1:9000] } }',
  routes: 'routes: [{ match: { path: / }, auth: app, upstream: app }]',
};

function faultsWith(changes: Readonly<Record<string, string>>): readonly string[] {
  return faultsOf(`${Object.values({ ...base, ...changes }).join('\n')}\n`);
}

const issuer = (text: string): Record<string, string> => ({ issuers: `issuers: { app: { ${text} } }` });
const rest = 'issuer: https://idp, audience: api, algorithms: [RS256], keys: { pem: public-key.pem }';
const route = (text: string): Record<string, string> => ({
  routes: `routes: [{ match: { path: / }, auth: app, upstream: app, ${text} }]`,
});
const match = (text: string): Record<string, string> => ({
  routes: `routes: [{ match: { ${text} }, auth: app, upstream: app }]`,
});
const forward = (text: string): Record<string, string> => route(`forward: { headers: { ${text} } }`);
const upstream = (text: string): Record<string, string> => ({ upstreams: `upstreams: { app: { ${text} } }` });
const servers = 'servers: [http://127.0.0.1:9000]';
const size = (from: string, to: string) =>
  `must be a size from ${from} to ${to}, such as 16KiB, 1MiB or plain bytes`;
const duration = (from: string, to: string) =>
  `must be a duration from ${from} to ${to}, such as 250ms, 5s, 10m or 1h`;
const address =
  'must be an address such as 0.0.0.0:8080, "[::]:8080" or localhost:8080, with a port from 0 to 65535';
const traffic = `${address}, or unix:/path`;
const headerName = 'is a header with a meaning of its own; must be another such as X-User-Id';

type Case = readonly [string, Readonly<Record<string, string>>, ...string[]];

const cases: readonly Case[] = [
  ['the base is valid', {}],
  // Shape
  [
    'an unknown key, near a known one',
    { x: 'relm: x' },
    'f:6:1: relm: is not a known key; must be realm if that is meant',
  ],
  [
    'an unknown key, near none',
    { x: 'cache: { zzz: 1 }' },
    'f:6:10: cache.zzz: is not a known key; must be one of entries, bytes',
  ],
  [
    'an unknown key inside a name of the user',
    issuer(`${rest}, audiense: x`),
    'f:3:107: issuers.app.audiense: is not a known key; must be audience if that is meant',
  ],
  ['a wrong type', { x: 'rejection: 403' }, 'f:6:12: rejection: is a number; must be rfc6750 or haproxy'],
  [
    'a wrong word',
    { x: 'rejection: nginx' },
    'f:6:12: rejection: "nginx" does not fit; must be rfc6750 or haproxy',
  ],
  [
    'an empty section',
    { x: 'cache:' },
    'f:6:1: cache: is empty; must be a mapping with the keys entries, bytes',
  ],
  [
    'a list in place of a mapping',
    { x: 'log: [info]' },
    'f:6:6: log: is a list; must be a mapping with the keys level, format, access, refused',
  ],
  [
    'a name that is no name',
    {
      x: 'upstreams: { "a b": { servers: [http://h] } }',
      upstreams: '',
      routes: 'routes: [{ match: { path: / }, auth: app, upstream: http://h }]',
    },
    'f:6:14: upstreams["a b"]: does not fit; must be a name of letters, digits, ".", "_" and "-", at most 64, starting with a letter or digit',
  ],
  // Addresses
  [
    'no listen',
    { listen: '' },
    'f:2:1: listen: is missing; must be an address such as 0.0.0.0:8080, or a list of them',
  ],
  ['a bad address', { listen: 'listen: localhost' }, `f:1:9: listen: does not fit; ${traffic}`],
  ['a port out of range', { listen: 'listen: 127.0.0.1:65536' }, `f:1:9: listen: does not fit; ${traffic}`],
  [
    'a bare port',
    { listen: 'listen: 8080' },
    'f:1:9: listen: is a number; must be an address such as 0.0.0.0:8080, or a list of them',
  ],
  [
    'a bad address in a list',
    { listen: 'listen: [127.0.0.1:1, x]' },
    `f:1:23: listen[1]: does not fit; ${traffic}`,
  ],
  ['a bad admin address', { admin: 'admin: 9090' }, `f:2:8: admin: is a number; ${traffic}`],
  [
    'listen twice',
    { listen: 'listen: [127.0.0.1:1, 0.0.0.0:1]' },
    'f:1:23: listen[1]: asks for a port that 127.0.0.1:1 has already; must be another',
  ],
  [
    'admin on the traffic port',
    { admin: 'admin: 127.0.0.1:8080' },
    'f:2:8: admin: is an address of listen too; must be another, out of reach of the traffic',
  ],
  // Unix sockets
  ['a unix socket', { listen: 'listen: unix:/run/portcullis/http.sock' }],
  ...['unix:', 'unix:@name', 'unix:/run/', 'unix:/run/.', 'unix:..', '"unix:/run/\\0x"', 'Unix:/run/x'].map(
    (text): Case => [
      `what is no file's name, as in ${text}`,
      { listen: `listen: [127.0.0.1:1, ${text.startsWith('"') ? text : `"${text}"`}]` },
      `f:1:23: listen[1]: does not fit; ${traffic}`,
    ],
  ),
  [
    'a unix socket twice, written in two ways',
    { listen: 'listen: [unix:/run/x, unix:/run/./x]' },
    'f:1:23: listen[1]: asks for a path that unix:/run/x has already; must be another',
  ],
  ['the longest path of a unix socket', { listen: `listen: unix:/${'a'.repeat(99)}` }],
  [
    'a longer one, in bytes',
    { listen: `listen: unix:/${'a'.repeat(98)}\u00fc` },
    'f:1:9: listen: has a path of 101 bytes, counted from the root; must be at most 100',
  ],
  ['admin on a unix socket', { admin: 'admin: unix:/run/x' }],
  [
    'admin on a unix socket of listen',
    { listen: 'listen: unix:/run/x', admin: 'admin: { address: unix:/run/./x }' },
    'f:2:8: admin: is an address of listen too; must be another, out of reach of the traffic',
  ],
  [
    'admin on a path that is too long',
    { admin: `admin: unix:/${'a'.repeat(100)}` },
    'f:2:8: admin: has a path of 101 bytes, counted from the root; must be at most 100',
  ],
  [
    'webhooks on a unix socket',
    { x: 'revocation: { fusionauth: { issuer: app, listen: unix:x } }' },
    `f:6:50: revocation.fusionauth.listen: is a unix socket, by which no webhook comes in; ${address}`,
  ],
  // Numbers, sizes, durations
  [
    'no number',
    { x: 'cache: { entries: many }' },
    'f:6:19: cache.entries: does not fit; must be a whole number from 1 to 10000000',
  ],
  [
    'a number below the bound',
    { x: 'cache: { entries: 0 }' },
    'f:6:19: cache.entries: is out of range; must be a whole number from 1 to 10000000',
  ],
  [
    'a number above the bound',
    { x: 'cache: { entries: 10000001 }' },
    'f:6:19: cache.entries: is out of range; must be a whole number from 1 to 10000000',
  ],
  [
    'a broken number',
    { x: 'cache: { entries: 1.5 }' },
    'f:6:19: cache.entries: is a number; must be a whole number from 1 to 10000000',
  ],
  [
    'a bad size',
    { x: 'cache: { bytes: 1GB }' },
    `f:6:17: cache.bytes: does not fit; ${size('1MiB', '64GiB')}`,
  ],
  [
    'a small size',
    { x: 'limits: { requestHead: 4095 }' },
    `f:6:24: limits.requestHead: is out of range; ${size('4KiB', '256KiB')}`,
  ],
  [
    'a large size',
    { x: 'limits: { requestHead: 257KiB }' },
    `f:6:24: limits.requestHead: is out of range; ${size('4KiB', '256KiB')}`,
  ],
  [
    'a time for requests without a unit',
    { x: 'timeouts: { request: 5 }' },
    'f:6:22: timeouts.request: is a number; must be none, or a duration such as 60s',
  ],
  [
    'a rate without a time',
    { x: 'timeouts: { bodyMinRate: 1KiB }' },
    'f:6:26: timeouts.bodyMinRate: does not fit; must be none, or a rate such as 1KiB/s',
  ],
  [
    'a rate of nothing',
    { x: 'timeouts: { bodyMinRate: 0KiB/s }' },
    'f:6:26: timeouts.bodyMinRate: is out of range; must be a rate from 1 bytes/s to 1GiB/s, such as 1KiB/s',
  ],
  [
    'no connections',
    { x: 'limits: { connections: 0 }' },
    'f:6:24: limits.connections: is out of range; must be a whole number from 1 to 1000000',
  ],
  [
    'a bad number of requests',
    { x: 'limits: { requestsPerConnection: unlimited }' },
    'f:6:34: limits.requestsPerConnection: does not fit; must be none, or a whole number such as 1000',
  ],
  [
    'a small budget for bodies',
    { x: 'limits: { bufferedBodies: 1023KiB }' },
    `f:6:27: limits.bufferedBodies: is out of range; ${size('1MiB', '1024GiB')}`,
  ],
  [
    'a bad body limit',
    { x: 'limits: { requestBody: none }' },
    'f:6:24: limits.requestBody: does not fit; must be unlimited, or a size such as 10MiB',
  ],
  [
    'a bad duration',
    issuer(`${rest}, clockTolerance: 5 sec`),
    `f:3:123: issuers.app.clockTolerance: does not fit; ${duration('0s', '10m')}`,
  ],
  [
    'a duration without unit',
    { x: 'shutdown: { grace: 30 }' },
    `f:6:20: shutdown.grace: is a number; ${duration('0s', '1h')}`,
  ],
  [
    'a duration out of range',
    { x: 'shutdown: { grace: 2h }' },
    `f:6:20: shutdown.grace: is out of range; ${duration('0s', '1h')}`,
  ],
  [
    'no time to connect',
    upstream(`${servers}, timeouts: { connect: 0s }`),
    `f:4:76: upstreams.app.timeouts.connect: is out of range; ${duration('1ms', '1h')}`,
  ],
  [
    'a bad number of processes',
    { x: 'listeners: 65' },
    'f:6:12: listeners: is out of range; must be a whole number from 1 to 64',
  ],
  [
    'a bad number of threads',
    { x: 'verifiers: -1' },
    'f:6:12: verifiers: is out of range; must be a whole number from 0 to 64',
  ],
  [
    'a realm that breaks the challenge',
    { x: `realm: 'a"b'` },
    'f:6:8: realm: does not fit; must be 1 to 128 printable ASCII characters without " and \\',
  ],
  // Issuers
  [
    'no issuer',
    issuer('audience: api, algorithms: [RS256], keys: { pem: public-key.pem }'),
    'f:3:12: issuers.app.issuer: is missing; must be the exact iss claim, or any',
  ],
  [
    'no audience',
    issuer('issuer: https://idp, algorithms: [RS256], keys: { pem: public-key.pem }'),
    'f:3:12: issuers.app.audience: is missing; must be an audience, a list of them, or any',
  ],
  [
    'an empty list of audiences',
    issuer('issuer: x, audience: [], algorithms: [RS256], keys: { pem: public-key.pem }'),
    'f:3:40: issuers.app.audience: is an empty list; must be an audience, a list of them, or any',
  ],
  [
    'any in a list of audiences',
    issuer('issuer: x, audience: [any, a], algorithms: [RS256], keys: { pem: public-key.pem }'),
    'f:3:40: issuers.app.audience: is a list with any in it; must be any alone, or a list of audiences',
  ],
  [
    'no algorithms',
    issuer('issuer: x, audience: a, keys: { pem: public-key.pem }'),
    'f:3:12: issuers.app.algorithms: is missing; must be a list of algorithms such as [RS256]',
  ],
  [
    'an empty list of algorithms',
    issuer('issuer: x, audience: a, algorithms: [], keys: { pem: public-key.pem }'),
    'f:3:55: issuers.app.algorithms: is an empty list; must be a list of algorithms such as [RS256]',
  ],
  [
    'the algorithm none',
    issuer('issuer: x, audience: a, algorithms: [RS256, nOnE], keys: { pem: public-key.pem }'),
    'f:3:63: issuers.app.algorithms[1]: would let tokens in without a signature; must be an algorithm such as RS256',
  ],
  [
    'an unknown algorithm',
    issuer('issuer: x, audience: a, algorithms: [RS255], keys: { pem: public-key.pem }'),
    'f:3:56: issuers.app.algorithms[0]: "RS255" is not a known algorithm; must be RS256 if that is meant',
  ],
  [
    'a state folder that is a file',
    { state: 'state: public-key.pem' },
    'f:6:8: state: is not a folder; must be one, or the name of one that can be made',
  ],
  [
    'a state folder in a file',
    { state: 'state: public-key.pem/state' },
    'f:6:8: state: is not a folder; must be one, or the name of one that can be made',
  ],
  [
    'methods that no route gets',
    match('path: /, methods: [GET, TRACE]'),
    'f:5:45: routes[0].match.methods[1]: is refused on every route; must be left out',
  ],
  [
    'an algorithm twice',
    issuer('issuer: x, audience: a, algorithms: [RS256, RS256], keys: { pem: public-key.pem }'),
    'f:3:63: issuers.app.algorithms[1]: stands in the list twice; must stand once',
  ],
  [
    'an algorithm that fits no key',
    issuer('issuer: x, audience: a, algorithms: [RS256, ES256], keys: { pem: public-key.pem }'),
    'f:3:63: issuers.app.algorithms[1]: ES256 fits none of the keys (RSA key of 2048 bits); must be one of RS256, RS384, RS512, PS256, PS384, PS512',
  ],
  [
    'a shared-secret algorithm with a public key',
    issuer('issuer: x, audience: a, algorithms: [HS256], keys: { pem: public-key.pem }'),
    'f:3:56: issuers.app.algorithms[0]: HS256 is for a shared secret, and everybody who has the public key could sign with it; must be an algorithm for public keys such as RS256',
  ],
  [
    'a public-key algorithm with a secret',
    issuer('issuer: x, audience: a, algorithms: [RS256], keys: { secret: abcdefghijklmnopqrstuvwxyz012345 }'),
    'f:3:56: issuers.app.algorithms[0]: RS256 needs a public key, and this source has a secret; must be HS256, HS384 or HS512',
  ],
  [
    'a short secret',
    issuer('issuer: x, audience: a, algorithms: [HS256, HS512], keys: { secret: hunter2 }'),
    'f:3:87: issuers.app.keys.secret: has 7 bytes; must have at least 64 for HS512 (RFC 7518 §3.2)',
  ],
  [
    'no keys',
    issuer('issuer: x, audience: a, algorithms: [RS256]'),
    'f:3:12: issuers.app.keys: is missing; must be a mapping with exactly one of pem, jwks, discovery, secret',
  ],
  [
    'two kinds of keys',
    issuer('issuer: x, audience: a, algorithms: [RS256], keys: { pem: public-key.pem, jwks: x.json }'),
    'f:3:64: issuers.app.keys: has pem and jwks; must have exactly one of pem, jwks, discovery, secret',
  ],
  [
    'two issuers alike',
    {
      issuers: `issuers: { app: { ${rest} }, b: { ${rest.replace('audience: api', 'audience: [x, api]')} } }`,
    },
    'f:3:109: issuers.b: has the same iss and audience as the issuer app; must differ from it in one of them',
  ],
  [
    'an issuer called none',
    {
      issuers: `issuers: { none: { ${rest} } }`,
      routes: 'routes: [{ match: { path: / }, auth: none, upstream: app }]',
    },
    'f:3:12: issuers.none: cannot be the name of an issuer, because auth: none means no check; must be another',
  ],
  [
    'a required claim twice',
    issuer(`${rest}, require: [sub, sub]`),
    'f:3:122: issuers.app.require[1]: stands in the list twice; must stand once',
  ],
  // Upstreams
  [
    'no servers',
    upstream(''),
    'f:4:14: upstreams.app.servers: is missing; must be a list of URLs such as [http://127.0.0.1:9000]',
  ],
  [
    'a server without scheme',
    upstream('servers: ["127.0.0.1:9000"]'),
    'f:4:31: upstreams.app.servers[0]: "127.0.0.1:9000" has no scheme; must have http:// before it',
  ],
  [
    'a server with TLS, and a path',
    upstream('servers: [https://h/p]'),
    'f:4:31: upstreams.app.servers[0]: is not the URL of a server; must be http://host:port or https://host:port, without user, path or query, or unix:/path',
  ],
  [
    'TLS that no server uses',
    upstream(`${servers}, tls: { serverName: a }`),
    'f:4:55: upstreams.app.tls: has no use, because no server of the upstream has https://; must be left out, or a server have it',
  ],
  [
    'wrong parts of TLS',
    upstream('servers: [https://h], tls: { ca: gone.pem, serverName: "a:443", key: x.pem, verify: off }'),
    `f:4:54: upstreams.app.tls.ca: ${join(fixtures, 'gone.pem')} does not exist; must be a readable file`,
    'f:4:76: upstreams.app.tls.serverName: is not a host; must be a name such as app.internal or an IP address, without scheme and port',
    'f:4:90: upstreams.app.tls.key: has no use without cert; must stand beside it, or be left out',
    'f:4:105: upstreams.app.tls.verify: does not fit; must be required or none',
  ],
  [
    'authorities that nothing checks',
    upstream('servers: [https://h], tls: { ca: public-key.pem, verify: none }'),
    'f:4:54: upstreams.app.tls.ca: has no use with verify: none; must be left out, or verify be required',
  ],
  [
    'a server twice',
    upstream('servers: [http://a, "http://A:80/"]'),
    'f:4:41: upstreams.app.servers[1]: stands in the list twice; must stand once, with a weight if that is meant',
  ],
  [
    'a protocol that is none',
    upstream('servers: [{ url: http://a, protocol: h2c }]'),
    'f:4:58: upstreams.app.servers[0].protocol: does not fit; must be http/1.1 or h2',
  ],
  [
    'backups alone',
    upstream('servers: [{ url: http://a, backup: true }]'),
    'f:4:30: upstreams.app.servers: has no server that is not a backup; must have one',
  ],
  [
    'a server without url',
    upstream('servers: [{ weight: 2 }]'),
    'f:4:31: upstreams.app.servers[0].url: is missing; must be a URL such as http://127.0.0.1:9000',
  ],
  [
    'a weight of 0',
    upstream('servers: [{ url: http://a, weight: 0 }]'),
    'f:4:56: upstreams.app.servers[0].weight: is out of range; must be a whole number from 1 to 256',
  ],
  [
    'a server with more connections than the upstream',
    upstream('servers: [{ url: http://a, connections: 9 }], limits: { connections: 8 }'),
    'f:4:61: upstreams.app.servers[0].connections: is more than limits.connections of the upstream, which is 8; must be at most as many',
  ],
  [
    'more retries than a client waits for',
    upstream(`${servers}, retries: { attempts: 6 }`),
    'f:4:76: upstreams.app.retries.attempts: is out of range; must be a whole number from 0 to 5',
  ],
  [
    'a budget for retries of none',
    upstream(`${servers}, retries: { budget: 0% }`),
    'f:4:74: upstreams.app.retries.budget: is out of range; must be a share from 1% to 100%, such as 20%',
  ],
  [
    'a budget for retries that is no share',
    upstream(`${servers}, retries: { budget: 0.2 }`),
    'f:4:74: upstreams.app.retries.budget: is a number; must be a share from 1% to 100%, such as 20%',
  ],
  [
    'retries after something else',
    upstream(`${servers}, retries: { on: [timeout] }`),
    'f:4:71: upstreams.app.retries.on[0]: does not fit; must be connect, reset, unavailable',
  ],
  [
    'retries after nothing',
    upstream(`${servers}, retries: { on: [] }`),
    'f:4:70: upstreams.app.retries.on: is an empty list; must be a list of connect, reset and unavailable',
  ],
  [
    'pipelining',
    upstream(`${servers}, pipelining: 65`),
    'f:4:67: upstreams.app.pipelining: is out of range; must be a whole number from 1 to 64',
  ],
  [
    'pipelining without connections that are used again',
    upstream(`${servers}, reuse: false, pipelining: 2`),
    'f:4:81: upstreams.app.pipelining: needs connections that are used again, and reuse is false; must be left out, or reuse true',
  ],
  [
    'reuse that is neither',
    upstream(`${servers}, reuse: never`),
    'f:4:62: upstreams.app.reuse: does not fit; must be true or false',
  ],
  [
    'connections that are kept for no time',
    upstream(`${servers}, timeouts: { keepAlive: 0s }`),
    `f:4:78: upstreams.app.timeouts.keepAlive: is out of range; ${duration('1ms', '1h')}`,
  ],
  [
    'another word for connections that authenticate',
    route('connectionAuth: allow'),
    'f:5:74: routes[0].connectionAuth: does not fit; must be refuse or pass',
  ],
  // Routes
  [
    'no routes',
    { routes: '' },
    'f:1:1: routes: is missing; must be a list of routes, or upstream with the URL of your service',
  ],
  [
    'an empty list of routes',
    { routes: 'routes: []' },
    'f:5:9: routes: is an empty list; must be a list of routes',
  ],
  [
    'routes and the short form',
    { x: 'upstream: app\nauth: app' },
    'f:6:1: upstream: is the short form for a file without routes; must be part of a route here',
    'f:7:1: auth: is the short form for a file without routes; must be part of a route here',
  ],
  [
    'an unknown upstream',
    { routes: 'routes: [{ match: { path: / }, auth: app, upstream: ap }]' },
    'f:5:53: routes[0].upstream: "ap" is not the name of an upstream; must be app if that is meant',
  ],
  [
    'an unknown issuer',
    { routes: 'routes: [{ match: { path: / }, auth: [app, other], upstream: app }]' },
    'f:5:44: routes[0].auth[1]: "other" is not the name of an issuer; must be one of app',
  ],
  [
    'none among issuers',
    { routes: 'routes: [{ match: { path: / }, auth: [none], upstream: app }]' },
    'f:5:39: routes[0].auth[0]: none stands in a list; must be none alone, or names of issuers',
  ],
  [
    'no upstream',
    { routes: 'routes: [{ match: { path: / } }]' },
    'f:5:10: routes[0].upstream: is missing; must be the name of an upstream, or a URL such as http://127.0.0.1:9000',
  ],
  [
    'no match',
    { routes: 'routes: [{ upstream: app }]' },
    'f:5:10: routes[0].match: is missing; must be what the route applies to, such as { path: / }',
  ],
  [
    'no auth and several issuers',
    {
      issuers: `issuers: { app: { ${rest} }, b: { ${rest.replace('api', 'b')} } }`,
      routes: 'routes: [{ match: { path: / }, upstream: app }]',
    },
    'f:5:10: routes[0].auth: is missing; must be one of app, b, none or deny',
  ],
  [
    'no auth and no issuer',
    { issuers: '', routes: 'routes: [{ match: { path: / }, upstream: app }]' },
    'f:5:10: routes[0].auth: is missing; must be none or deny, or there must be issuers',
  ],
  [
    'the same match twice',
    {
      routes:
        'routes: [{ match: { path: / }, upstream: app }, { match: { path: / }, auth: none, upstream: app }]',
    },
    'f:5:51: routes[1].match: matches the same requests as the route / (routes[0].match, line 5); must differ from it',
  ],
  [
    'methods that overlap',
    {
      routes:
        'routes: [{ match: { path: /, methods: [GET, PUT] }, upstream: app }, { match: { path: /, methods: [PUT] }, upstream: app }]',
    },
    'f:5:72: routes[1].match: matches the same requests as the route GET,PUT / (routes[0].match, line 5); must differ from it',
  ],
  [
    'a path without slash',
    match('path: public'),
    'f:5:27: routes[0].match.path: does not start with /; must be a path such as /orders',
  ],
  [
    'a path with a query',
    match('path: /a?b'),
    "f:5:27: routes[0].match.path: has characters that paths are not compared by; must be letters, digits and -._~!$&'()*+,:@= between slashes",
  ],
  [
    'a path with an escaped slash',
    match('path: /a%2Fb'),
    "f:5:27: routes[0].match.path: has characters that paths are not compared by; must be letters, digits and -._~!$&'()*+,:@= between slashes",
  ],
  [
    'a path with dots',
    match('path: /a/../b'),
    'f:5:27: routes[0].match.path: has an empty, "." or ".." segment; must be without',
  ],
  [
    'a path with a slash at the end',
    match('path: /a/'),
    'f:5:27: routes[0].match.path: ends with /; must be without, as /orders covers /orders and all below it',
  ],
  [
    'a host with a port',
    match('host: "a:80"'),
    'f:5:27: routes[0].match.host: is not a host name; must be one such as api.example.com, or *.example.com for all below it, without port',
  ],
  [
    'a method in small letters',
    match('methods: [get]'),
    'f:5:31: routes[0].match.methods[0]: does not fit; must be a method in capitals such as GET',
  ],
  // Identity headers
  [
    'a bad header name',
    forward('"X User": sub'),
    'f:5:80: routes[0].forward.headers["X User"]: is not a header name; must be letters, digits and "-" such as X-User-Id',
  ],
  [
    'a claim path with a gap',
    forward('X-A: a..b'),
    'f:5:85: routes[0].forward.headers.X-A: has an empty part in the path of a claim; must be such as sub or realm.roles',
  ],
  [
    'an empty claim path',
    forward('X-A: ""'),
    'f:5:85: routes[0].forward.headers.X-A: is empty; must be the name of a claim such as sub or realm.roles',
  ],
  [
    'two spellings of one header',
    forward('X-User-Id: sub, x_user-id: sub'),
    'f:5:96: routes[0].forward.headers.x_user-id: is the same header as X-User-Id for many servers; must differ in more than case, "-", "_" and other marks',
  ],
  [
    'two spellings of one header with other marks',
    forward('X-User-Id: sub, X.User~Id: sub'),
    'f:5:96: routes[0].forward.headers["X.User~Id"]: is the same header as X-User-Id for many servers; must differ in more than case, "-", "_" and other marks',
  ],
  [
    'a reserved header with other marks',
    forward('Transfer.Encoding: sub'),
    `f:5:80: routes[0].forward.headers["Transfer.Encoding"]: ${headerName}`,
  ],
  ...[
    'Host',
    'content-length',
    'Transfer_Encoding',
    'Connection',
    'AUTHORIZATION',
    'Keep-Alive',
    'Upgrade',
    'TE',
    'X-Forwarded-For',
    'Proxy',
  ].map(
    (name): Case => [
      `the reserved header ${name}`,
      forward(`${name}: sub`),
      `f:5:80: routes[0].forward.headers.${name}: ${headerName}`,
    ],
  ),
  // Trusted proxies
  [
    'one trusted proxy without a list',
    { x: 'trustedProxies: 10.0.0.0/8' },
    'f:6:17: trustedProxies: does not fit; must be a list of networks such as [10.0.0.0/8]',
  ],
  [
    'trusted proxies of every form',
    {
      x: 'trustedProxies: [10.0.0.0/8, 127.0.0.1, 192.168.4.0/22, unix, "::1", "2001:db8::/32", "FE80::/10", 1.2.3.4/32]',
    },
  ],
  ...[
    ['10.0.0.0/33', 'a network with at most /32'],
    ['"2001:db8::/129"', 'a network with at most /128'],
    ...[
      '10.0.0.0/08',
      '10.0.0.0/',
      '10.0.0/8',
      '010.0.0.0/8',
      '10.0.0.1-10.0.0.9',
      '10.0.0.256',
      '"fe80::1%eth0"',
    ].map((text) => [text, 'an address, a network such as 10.0.0.0/8, or unix']),
    ...['localhost', '"*"', '"[::1]"', '"::1::"', '10.0.0.1:80'].map((text) => [
      text,
      'an address, a network such as 10.0.0.0/8, or unix',
    ]),
    ...['10.0.0.1/8', '10.255.0.0/15', '"2001:db8:1::/32"', '"::1/127"'].map((text) => [
      text,
      'the first address of the network, such as 10.0.0.0/8, or a single address without /',
    ]),
    ...['"::ffff:10.0.0.0/104"', '"::ffff:a00:1"'].map((text) => [
      text,
      'an IPv4 network written as one, such as 10.0.0.0/8',
    ]),
  ].map(
    ([text = '', right = '']): Case => [
      `the trusted proxy ${text}`,
      { x: `trustedProxies: [10.1.0.0/16, ${text}]` },
      `f:6:31: trustedProxies[1]: does not fit; must be ${right}`,
    ],
  ),
  [
    'a trusted proxy that is a number',
    { x: 'trustedProxies: [10]' },
    'f:6:18: trustedProxies[0]: is a number; must be an address, a network such as 10.0.0.0/8, or unix',
  ],
  [
    'more trusted proxies than can be looked through',
    { x: `trustedProxies: [${new Array(1001).fill('10.0.0.1').join(', ')}]` },
    'f:6:17: trustedProxies: has 1001 entries; must be at most 1000, so larger networks',
  ],
  [
    'HTTP/2 by ALPN without TLS',
    { listen: 'listen: { address: 127.0.0.1:1, protocols: [h2] }' },
    'f:1:44: listen.protocols: names h2, which needs tls; must be h2c for HTTP/2 without TLS',
  ],
  [
    'a protocol twice',
    { listen: 'listen: { address: 127.0.0.1:1, protocols: [http/1.1, http/1.1] }' },
    'f:1:44: listen.protocols: names one twice; must name each once',
  ],
  // Keys of later versions
  // … whose types are known
  [
    'a wrong type of what is to come',
    { x: 'state: [a]' },
    'f:6:8: state: is a list; must be a path to a folder',
  ],
  [
    'a wrong type inside what is to come',
    { x: 'revocation: { fusionauth: { listen: 9091 }, redis: http://127.0.0.1 }' },
    'f:6:15: revocation.fusionauth.issuer: is missing; must be the name of an issuer',
    `f:6:37: revocation.fusionauth.listen: is a number; ${address}`,
    'f:6:52: revocation.redis: does not fit; must be a URL such as redis://127.0.0.1:6379',
  ],
  // … and whose neutral values are accepted
  [
    'what the gateway does anyway',
    {
      x: 'log: { access: off }',
      ...issuer(`${rest}, rejectIdTokens: false`),
      ...upstream(`${servers}, pipelining: 1, reuse: true, timeouts: { keepAlive: 60s }`),
      ...route('token: [header], cors: { preflight: authenticate }, connectionAuth: refuse'),
    },
  ],
];

for (const [name, changes, ...expected] of cases) {
  test(`configuration: ${name}`, () => assert.deepEqual(faultsWith(changes), expected));
}
