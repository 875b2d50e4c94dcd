import type { IssuerConfig } from '../../config/config.ts';
import { type JsonObject, member } from '../read/strict-json.ts';
import { type TokenType, tokenType } from '../read/token-type.ts';
import { rejections } from '../rejections.ts';
import type { Rejection } from '../verdict.ts';

/** The type of access tokens (RFC 9068 §2.1). An ID token must not have it. */
const ACCESS_TOKEN = 'at+jwt';
/** The name of tokens without `typ` in a list of types. */
const ABSENT = 'absent';
/**
 * Claims that bind a token to a response of the authorization endpoint (OpenID Connect Core §2, §3.1.3.6, §3.3.2.11;
 * `s_hash`: FAPI 1.0 Part 2 §5.1.1). Access tokens have no use for them. `auth_time`, `acr`, `amr` and `azp` are not
 * among them: issuers put these into access tokens too.
 */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash'];

/** Which kinds of tokens an issuer accepts. */
export class TokenTypeRules {
  readonly #types: ReadonlySet<string> | undefined;
  readonly #absent: boolean;
  readonly #noIdTokens: boolean;

  constructor({ tokenTypes, rejectIdTokens }: IssuerConfig) {
    this.#absent = tokenTypes?.includes(ABSENT) ?? true;
    this.#types =
      tokenTypes &&
      new Set(tokenTypes.filter((type) => type !== ABSENT).map((type) => tokenType(type) ?? ''));
    this.#noIdTokens = rejectIdTokens;
  }

  /** Why a bearer token must not have this type or these claims; undefined when it may. */
  judge(type: TokenType, claims: JsonObject): Rejection | undefined {
    if (type === undefined ? !this.#absent : this.#types?.has(type) === false) return rejections.tokenType;
    if (this.#noIdTokens && type !== ACCESS_TOKEN && isIdToken(claims)) return rejections.tokenType;
    // RFC 7800 §3.1: a client may use such a token only with a proof that it has the key. Nothing here checks proofs.
    return Object.hasOwn(claims, 'cnf') ? rejections.bound : undefined;
  }
}

function isIdToken(claims: JsonObject): boolean {
  for (const name of ID_TOKEN_CLAIMS) if (Object.hasOwn(claims, name)) return true;
  // Keycloak, and Amazon Cognito.
  return member(claims, 'typ') === 'ID' || member(claims, 'token_use') === 'id';
}
