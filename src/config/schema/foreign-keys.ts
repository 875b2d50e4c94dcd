/** Keys of other programs, in small letters and without marks, by the key that does the same here. */
const same: Readonly<Record<string, string>> = {
  jwksuri: 'jwks',
  jwksurl: 'jwks',
  jwksfile: 'jwks',
  jwkurl: 'jwks',
  jwk: 'jwks',
  publickey: 'pem',
  certificate: 'pem',
  oidc: 'discovery',
  oidcissuer: 'discovery',
  wellknown: 'discovery',
  sharedsecret: 'secret',
  iss: 'issuer',
  aud: 'audience',
  audiences: 'audience',
  alg: 'algorithms',
  algorithm: 'algorithms',
  leeway: 'clockTolerance',
  clockskew: 'clockTolerance',
  bind: 'listen',
  port: 'listen',
  backend: 'upstream',
  service: 'upstream',
  target: 'upstream',
  proxypass: 'upstream',
  backends: 'upstreams',
  services: 'upstreams',
  clusters: 'upstreams',
  url: 'servers',
  urls: 'servers',
  server: 'servers',
  issuer: 'auth',
  authentication: 'auth',
  scopes: 'require',
  roles: 'require',
  paths: 'path',
  pathprefix: 'prefix',
  pathbeg: 'prefix',
  startswith: 'prefix',
  hostname: 'host',
  method: 'methods',
  workers: 'listeners',
  processes: 'listeners',
  threads: 'verifiers',
  healthcheck: 'health',
  healthchecks: 'health',
  checks: 'health',
  httpchk: 'health',
  logging: 'log',
  loglevel: 'log',
};

const ADMIN = 'there is no key of that name: figures, health and status are on the admin address; see admin';
const elsewhere: Readonly<Record<string, string>> = {
  stats: 'there is no statistics page: see admin, whose address has metrics and status',
  statistics: 'there is no statistics page: see admin, whose address has metrics and status',
  metrics: ADMIN,
  prometheus: ADMIN,
  dashboard: ADMIN,
  health: ADMIN,
  healthcheck: ADMIN,
  status: ADMIN,
};

/** The equivalent of another program's key, if the mapping may have it: a key, or a sentence. */
export function foreignKey(
  key: string,
  known: readonly string[],
): { readonly key: string } | { readonly sentence: string } | undefined {
  const name = key.toLowerCase().replace(/[^a-z0-9]/g, '');
  const meant = Object.hasOwn(same, name) ? same[name] : undefined;
  if (meant !== undefined && known.includes(meant)) return { key: meant };
  const sentence = Object.hasOwn(elsewhere, name) ? elsewhere[name] : undefined;
  return sentence !== undefined && known.includes('admin') ? { sentence } : undefined;
}
