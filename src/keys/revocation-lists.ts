import { KeyError } from './key-error.ts';
import { contextFault } from './tls-context.ts';

const BLOCK = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g;
/** Lists in one file: one for each authority. */
const MAX_LISTS = 100;
/** Tags of DER (X.690 §8, ITU-T X.680 §8.6). */
const INTEGER = 0x02;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const UNREADABLE = 'must be a PEM file of certificate revocation lists';

/** A list of revoked certificates (RFC 5280 §5.1). */
export interface RevocationList {
  readonly pem: string;
  /** Milliseconds since the epoch at which the next list is due; undefined: not stated. */
  readonly nextUpdate: number | undefined;
}

/** Reads every list of a text. @throws KeyError when it holds none, or one that OpenSSL cannot use. */
export function readRevocationLists(text: string): readonly RevocationList[] {
  const lists = Array.from(text.matchAll(BLOCK), ([pem, base64 = '']) => {
    if (contextFault({ crl: pem }) !== undefined) {
      throw new KeyError(`holds a list that cannot be read; ${UNREADABLE}`);
    }
    return { pem, nextUpdate: nextUpdateOf(Buffer.from(base64, 'base64')) };
  });
  if (lists.length === 0) throw new KeyError(`holds no list; ${UNREADABLE}`);
  if (lists.length > MAX_LISTS)
    throw new KeyError(`holds ${lists.length} lists; must hold ${MAX_LISTS} or fewer`);
  return lists;
}

/** @param list DER that OpenSSL has read. */
function nextUpdateOf(list: Buffer): number | undefined {
  const [whole] = valuesOf(list);
  const [signed] = valuesOf(whole?.content ?? list);
  const fields = valuesOf(signed?.content ?? list);
  // The version is optional; the signature's algorithm, the issuer and `thisUpdate` come before.
  const { tag, content } = fields[fields[0]?.tag === INTEGER ? 4 : 3] ?? {};
  if (content === undefined || (tag !== UTC_TIME && tag !== GENERALIZED_TIME)) return undefined;
  return timeOf(content.toString('latin1'), tag === UTC_TIME);
}

interface Value {
  readonly tag: number;
  readonly content: Buffer;
}

/** Up to five values of DER that stand side by side: enough for the fields above. */
function valuesOf(bytes: Buffer): readonly Value[] {
  const values: Value[] = [];
  let at = 0;
  while (values.length < 5 && at + 2 <= bytes.length) {
    const tag = bytes[at] as number;
    const first = bytes[at + 1] as number;
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (more > 4 || at + 2 + more > bytes.length) break;
    const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
    const from = at + 2 + more;
    values.push({ tag, content: bytes.subarray(from, from + length) });
    at = from + length;
  }
  return values;
}

/** `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` as milliseconds (RFC 5280 §4.1.2.5). */
function timeOf(text: string, isShort: boolean): number | undefined {
  const digits = isShort ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const iso = digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const time = Date.parse(iso);
  return Number.isNaN(time) ? undefined : time;
}
