/** Fields that end at this hop (RFC 9110 §7.6.1), and fields that each hop writes itself because they frame the message. */
export const hopByHop: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy', // CGI programs see it as HTTP_PROXY (CVE-2016-5385).
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'content-length',
  'expect', // The front has handled it.
];

/**
 * Names the gateways that a request has passed. Via would do, but some servers treat a request with Via differently:
 * nginx compresses nothing for it.
 */
export const PASSED = 'x-portcullis-via';

/** The fields of W3C Trace Context, which the gateway writes itself. */
export const TRACEPARENT = 'traceparent';
export const TRACESTATE = 'tracestate';

const marks = /[^0-9a-z]/g;

/**
 * The spelling in which field names are compared; it has the length of the name. Servers that hand fields on as
 * variables write `_` for `-` (CGI, WSGI), and some do so for all other marks, so `x_user_id` and `x.user.id` are
 * `x-user-id`.
 */
export function fieldSpelling(name: string): string {
  return name.toLowerCase().replace(marks, '-');
}
