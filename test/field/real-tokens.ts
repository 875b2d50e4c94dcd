const text = (length: number, from = 'a'): string => from.repeat(length);
const id = (n: number): string => `4f9c2b1e-0d7a-4c55-9a31-${String(n).padStart(12, '0')}`;
const jwt = { alg: 'RS256', typ: 'JWT', kid: text(43) };

/** Headers and claims as the products issue them by default, with invented values. */
export const realTokens: Readonly<Record<string, readonly [header: object, claims: object]>> = {
  FusionAuth: [
    { alg: 'RS256', typ: 'JWT', kid: text(27), gty: ['password'] },
    {
      aud: id(1),
      exp: 1_900_000_000,
      iat: 1_800_000_000,
      iss: 'https://issuer.example',
      sub: id(2),
      jti: id(3),
      authenticationType: 'PASSWORD',
      applicationId: id(1),
      email: 'user@example.com',
      email_verified: true,
      preferred_username: 'user',
      roles: ['reader', 'writer'],
      auth_time: 1_800_000_000,
      tid: id(4),
    },
  ],
  Keycloak: [
    jwt,
    {
      exp: 1_900_000_000,
      iat: 1_800_000_000,
      auth_time: 1_800_000_000,
      jti: id(1),
      iss: 'https://issuer.example/realms/main',
      aud: ['orders', 'account'],
      sub: id(2),
      typ: 'Bearer',
      azp: 'web',
      sid: id(3),
      acr: '1',
      'allowed-origins': ['https://web.example'],
      realm_access: { roles: ['default-roles-main', 'offline_access', 'uma_authorization'] },
      resource_access: { orders: { roles: ['reader', 'writer'] }, account: { roles: ['manage-account'] } },
      scope: 'openid profile email',
      email_verified: true,
      name: 'A User',
      preferred_username: 'user',
      given_name: 'A',
      family_name: 'User',
      email: 'user@example.com',
    },
  ],
  'Microsoft Entra ID': [
    { ...jwt, x5t: text(27) },
    {
      aud: id(1),
      iss: `https://login.example/${id(2)}/v2.0`,
      iat: 1_800_000_000,
      nbf: 1_800_000_000,
      exp: 1_900_000_000,
      aio: text(120),
      azp: id(3),
      azpacr: '1',
      name: 'A User',
      oid: id(4),
      preferred_username: 'user@example.com',
      rh: text(40),
      roles: ['Orders.Read'],
      scp: 'access_as_user',
      sub: text(43),
      tid: id(2),
      uti: text(22),
      ver: '2.0',
      groups: [id(5), id(6), id(7)],
    },
  ],
  Kubernetes: [
    { alg: 'RS256', kid: text(43) },
    {
      aud: ['https://kubernetes.default.svc'],
      exp: 1_900_000_000,
      iat: 1_800_000_000,
      iss: 'https://kubernetes.default.svc',
      jti: id(1),
      nbf: 1_800_000_000,
      sub: 'system:serviceaccount:prod:orders',
      'kubernetes.io': {
        namespace: 'prod',
        node: { name: 'node-1', uid: id(2) },
        pod: { name: 'orders-1', uid: id(3) },
        serviceaccount: { name: 'orders', uid: id(4) },
        warnafter: 1_800_003_607,
      },
    },
  ],
  'a certificate chain in its header': [
    { ...jwt, x5t: text(27), 'x5t#S256': text(43), x5c: [text(1200), text(1200), text(1200)] },
    { iss: 'https://issuer.example', aud: 'orders', exp: 1_900_000_000, sub: 'user' },
  ],
};

/** Claims of very large tokens, to be added to accepted ones. */
export const bigTokens: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'all 200 groups that Microsoft puts into a token': { groups: Array.from({ length: 200 }, (_, n) => id(n)) },
  'the roles of sixty applications, as Keycloak has them': {
    resource_access: Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [`application-${n}`, { roles: ['reader', 'writer', 'admin'] }]),
    ),
  },
  'sixty audiences': { aud: ['app-1', ...Array.from({ length: 59 }, (_, n) => `application-${n}`)] },
  'six hundred roles of ten letters': {
    roles: Array.from({ length: 650 }, (_, n) => `role-${String(n).padStart(5, '0')}`),
  },
  'eighty permissions with their resources': {
    authorization: {
      permissions: Array.from({ length: 80 }, (_, n) => ({
        rsid: `resource-${n}`,
        rsname: `r${n}`,
        scopes: ['view'],
      })),
    },
  },
};
