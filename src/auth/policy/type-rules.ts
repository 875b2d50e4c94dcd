import type { IssuerConfig } from '../../config/config.ts';
import { type JsonObject, member } from '../read/strict-json.ts';
import { type TokenType, tokenType } from '../read/token-type.ts';
import { rejections } from '../rejections.ts';
import type { Rejection } from '../verdict.ts';

/** The type of access tokens by RFC 9068 §2.1, which an ID token must not have. */
const ACCESS_TOKEN = 'at+jwt';
/** How a list of types names tokens without `typ`. */
const ABSENT = 'absent';
/**
 * Claims that bind a token to an answer of the authorization endpoint (OpenID Connect Core §2, §3.1.3.6, §3.3.2.11;
 * `s_hash`: FAPI 1.0 Part 2 §5.1.1), which access tokens have no use for. Not `auth_time`, `acr`, `amr` and `azp`: issuers put those into
 * access tokens as well.
 */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash'];

/** What an issuer demands of the kind of its tokens. */
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

  /** Why a token of this type with these claims is not one to come as a plain bearer; undefined when it is. */
  judge(type: TokenType, claims: JsonObject): Rejection | undefined {
    if (type === undefined ? !this.#absent : this.#types?.has(type) === false) return rejections.tokenType;
    if (this.#noIdTokens && type !== ACCESS_TOKEN && isIdToken(claims)) return rejections.tokenType;
    // RFC 7800 §3.1: only who proves to have the key may use it, and no proof is looked at here.
    return Object.hasOwn(claims, 'cnf') ? rejections.bound : undefined;
  }
}

function isIdToken(claims: JsonObject): boolean {
  for (const name of ID_TOKEN_CLAIMS) if (Object.hasOwn(claims, name)) return true;
  // Keycloak and Amazon Cognito say it in words.
  return member(claims, 'typ') === 'ID' || member(claims, 'token_use') === 'id';
}
