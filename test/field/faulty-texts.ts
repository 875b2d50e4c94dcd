/** That many lines, each made from its number. */
export const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');
/** A file without a fault, to which lines can be added. */
export const valid = 'listen: 127.0.0.1:8080\nauth: none\nupstream: http://127.0.0.1:9000\n';
/** A file of that many routes, each with `more`. */
export const routes = (count: number, more: string): string =>
  `listen: 127.0.0.1:8080\nupstreams: { a: { servers: [http://h:1] } }\nroutes:\n${lines(
    count,
    (index) => `- { match: { path: /${index} }, upstream: a, ${more} }`,
  )}`;

/** Faulty files that kept, or would keep, a reload busy for minutes: the first fault reported of each. */
export const faultyTexts: readonly (readonly [what: string, text: string, first: RegExp])[] = [
  ['unknown keys', valid + lines(1000, (index) => `unknown${index}: 1`), /:4:1: unknown0: is not a known/],
  [
    'unknown keys inside of routes',
    routes(3000, 'unknown: 1'),
    /:4:\d+: routes\[0\]\.unknown: is not a known key/,
  ],
  [
    'aliases',
    `a: &a 1\nlist:\n${lines(20_000, () => '- *a')}`,
    /:1:1: yaml: has more than 100 aliases; must repeat/,
  ],
  [
    'aliases of something large',
    `a: &a [${'1,'.repeat(20_000)}]\nlist:\n${lines(90, () => '- *a')}`,
    /:1:1: yaml: has too many or endless aliases/,
  ],
  [
    'repeated keys, too many of them',
    lines(209_000, () => 'a: 1'),
    /:1:1: yaml: has more than 100000 keys, values and marks; must be a smaller file/,
  ],
  ['repeated keys, as many as are read', lines(33_000, () => 'a: 1'), /:2:1: yaml: has the same key twice/],
  ['different keys', lines(33_000, (index) => `k${index}: 1`), /:1:1: k0: is not a known key/],
  ['nesting by brackets', `a: ${'['.repeat(500_000)}`, /:1:1: yaml: is nested deeper than 64 levels/],
  [
    'nesting by indentation',
    lines(1000, (index) => `${' '.repeat(index)}a:`),
    /yaml: .*(nested|indented|deep|endless)/,
  ],
  ['syntax errors', lines(15_000, () => 'a: "b" c'), /:1:8: yaml: has something here that does not/],
  ['open quotes', lines(15_000, () => 'a: "b'), /:1:4: yaml: opens a quote that is not closed/],
  [
    'variables',
    valid + lines(15_000, (index) => `k${index}: \${NONE}`),
    /needs the environment variable NONE/,
  ],
  [
    'routes that match the same',
    routes(5000, 'auth: none').replace(/path: \/\d+/g, 'path: /a'),
    /same requests/,
  ],
  ['routes without issuers', routes(5000, 'auth: x'), /routes\[0\]\.auth: "x" is not the name of an issuer/],
  [
    'a long list',
    `${valid}trustedProxies: [${'x,'.repeat(45_000)}]`,
    /trustedProxies(\[0\])?: (has|does not fit)/,
  ],
  ['a long list of roles', routes(1, `require: { roles: [${'x,'.repeat(45_000)}] }`), /has too many entries/],
];
