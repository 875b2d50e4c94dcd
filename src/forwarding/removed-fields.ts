/**
 * Fields in which a proxy in front describes the client. The gateway removes all of them. It writes its own fields with
 * what it believes, and the others of the family would contradict them.
 */
export const forwardingFields: readonly string[] = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-protocol',
  'x-forwarded-scheme',
  'x-forwarded-ssl',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-server',
];

/**
 * The rest of the family, such as X-Forwarded-User, -Client-Cert and -Uri, also says who the client is. Each product
 * adds to it, so the start of the name decides.
 */
const forwardingFamily = /^x[^0-9a-z]forwarded(?![0-9a-z])/;
/** The one spelling that proxies write, and therefore replace. They may pass on a client's field in another spelling. */
const plainForwarding = /^x-forwarded(?:-[0-9a-z]+)+$/;

/** Whether a name belongs to the family. Two letters rule out nearly all other names without the expression. */
export function isForwarding(name: string): boolean {
  return name.charCodeAt(2) === 0x66 && name.charCodeAt(0) === 0x78 && forwardingFamily.test(name);
}

/** Whether a name of the family has the spelling that proxies write. */
export function isPlainForwarding(name: string): boolean {
  return plainForwarding.test(name);
}

/**
 * Some servers take a path, host or method from these fields instead of the request's, and the gateway has not authorized
 * that one. Proxies write most of these fields to report a rewriting, and no client needs one. A trusted proxy may pass on
 * fields of its client, so the gateway removes them from the requests of every peer.
 */
export const overrideFields: readonly string[] = [
  'x-original-url', // IIS, Symfony, Zend (CVE-2018-14773)
  'x-rewrite-url',
  'x-original-uri',
  'x-rewrite-uri',
  'script-name', // gunicorn cuts it off the front of the path (benoitc/gunicorn#2650).
  'path-info',
  'x-script-name',
  'x-original-path',
  'x-envoy-original-path',
  'x-host',
  'x-original-host',
  'x-envoy-original-host',
  'x-rewrite-host',
  'x-host-override',
  'x-http-host-override',
  'x-original-method',
  'x-envoy-original-method',
];

/**
 * Many frameworks take the method from these fields. Clients need them where a network lets only GET and POST through,
 * so the gateway removes them only if the permission for some request depends on its method.
 */
export const methodOverrideFields: readonly string[] = [
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
];
