/**
 * A reason why a request ends without a whole response of upstream. The names of the reasons are part of the product's
 * interface: replies, logs, metrics and tests use the same ones.
 */
export interface ReasonEntry {
  readonly status: number;
  /** A short, fixed, public text. A library's message, a key or a token is never part of it. */
  readonly text: string;
  /** `error` of the Bearer challenge (RFC 6750 §3.1); `bare` sends a challenge without one; `none` sends none. */
  readonly challenge: 'none' | 'bare' | 'invalid_request' | 'invalid_token' | 'insufficient_scope';
  /** The connection cannot be used again: its framing is in doubt, or the rest of the body would be read for nothing. */
  readonly close?: boolean;
  /** Seconds for a `Retry-After` header. */
  readonly retryAfter?: number;
}

const table = {
  token_missing: { status: 401, challenge: 'bare', text: 'The request carries no bearer token' },
  token_malformed: { status: 401, challenge: 'invalid_token', text: 'The token is malformed' },
  algorithm_not_allowed: {
    status: 401,
    challenge: 'invalid_token',
    text: 'The signing algorithm of the token is not allowed',
  },
  issuer_mismatch: {
    status: 401,
    challenge: 'invalid_token',
    text: 'The issuer of the token is not accepted',
  },
  audience_mismatch: {
    status: 401,
    challenge: 'invalid_token',
    text: 'The token is meant for another audience',
  },
  key_unknown: { status: 401, challenge: 'invalid_token', text: 'The token names a key that is not known' },
  signature_invalid: {
    status: 401,
    challenge: 'invalid_token',
    text: 'The signature of the token is not valid',
  },
  token_expired: { status: 401, challenge: 'invalid_token', text: 'The token has expired' },
  token_not_yet_valid: { status: 401, challenge: 'invalid_token', text: 'The token is not valid yet' },
  claim_missing: { status: 401, challenge: 'invalid_token', text: 'The token lacks a required claim' },
  claim_mismatch: {
    status: 401,
    challenge: 'invalid_token',
    text: 'A claim of the token has a value that is not accepted',
  },
  token_revoked: { status: 401, challenge: 'invalid_token', text: 'The token has been revoked' },
  authorization_ambiguous: {
    status: 400,
    challenge: 'invalid_request',
    text: 'The request carries more than one token or Authorization header',
    close: true,
  },
  scope_insufficient: {
    status: 403,
    challenge: 'insufficient_scope',
    text: 'The token lacks a required scope',
  },
  role_missing: { status: 403, challenge: 'insufficient_scope', text: 'The token lacks a required role' },
  origin_not_allowed: {
    status: 403,
    challenge: 'none',
    text: 'Pages of this origin may not open the connection',
  },
  upgrade_not_allowed: {
    status: 426,
    challenge: 'none',
    text: 'The protocol, or its version, is not the one that can be opened here',
  },
  connection_auth_refused: {
    status: 403,
    challenge: 'none',
    text: 'Credentials for a whole connection are not accepted here',
  },
  keys_unavailable: {
    status: 503,
    challenge: 'none',
    text: 'The keys of the issuer are not available',
    retryAfter: 5,
  },
  verifier_overloaded: {
    status: 503,
    challenge: 'none',
    text: 'Too many tokens wait for verification',
    retryAfter: 1,
  },
  route_denied: { status: 403, challenge: 'none', text: 'Requests to this route are refused' },
  route_not_found: { status: 404, challenge: 'none', text: 'No route matches the request' },
  request_malformed: { status: 400, challenge: 'none', text: 'The request is malformed', close: true },
  request_head_too_large: {
    status: 431,
    challenge: 'none',
    text: 'The request head is too large',
    close: true,
  },
  http_version_not_supported: {
    status: 505,
    challenge: 'none',
    text: 'The version of HTTP is not supported',
    close: true,
  },
  transfer_coding_not_supported: {
    status: 501,
    challenge: 'none',
    text: 'The transfer coding of the request is not supported',
    close: true,
  },
  request_timeout: {
    status: 408,
    challenge: 'none',
    text: 'The request did not arrive in time',
    close: true,
  },
  request_body_too_large: {
    status: 413,
    challenge: 'none',
    text: 'The request body is too large',
    close: true,
  },
  length_required: {
    status: 411,
    challenge: 'none',
    text: 'Chunked requests are not accepted here',
    close: true,
  },
  loop_detected: {
    status: 508,
    challenge: 'none',
    text: 'The request has come back to the gateway that sent it',
  },
  upstream_unreachable: { status: 502, challenge: 'none', text: 'The upstream server cannot be reached' },
  upstream_reset: { status: 502, challenge: 'none', text: 'The upstream server closed the connection' },
  upstream_invalid_response: {
    status: 502,
    challenge: 'none',
    text: 'The upstream server sent an invalid response',
  },
  upstream_timeout: { status: 504, challenge: 'none', text: 'The upstream server did not answer in time' },
  upstream_overloaded: {
    status: 503,
    challenge: 'none',
    text: 'Too many requests wait for the upstream server',
    retryAfter: 1,
  },
  rate_limited: {
    status: 429,
    challenge: 'none',
    text: 'Too many requests',
  },
  tunnels_exhausted: {
    status: 503,
    challenge: 'none',
    text: 'Too many connections of this kind are open',
    retryAfter: 1,
  },
  no_healthy_upstream: {
    status: 503,
    challenge: 'none',
    text: 'No upstream server is healthy',
    retryAfter: 1,
  },
  draining: {
    status: 503,
    challenge: 'none',
    text: 'The gateway is shutting down',
    retryAfter: 1,
    close: true,
  },
  internal_error: {
    status: 500,
    challenge: 'none',
    text: 'The gateway failed to handle the request',
    close: true,
  },
} as const satisfies Record<string, ReasonEntry>;

export type Reason = keyof typeof table;
export const reasons: Readonly<Record<Reason, ReasonEntry>> = table;
