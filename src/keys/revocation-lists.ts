import { DerError, inside, onlyValue, readDer, tags, timeOf } from './der.ts';
import { KeyError } from './key-error.ts';
import { contextFault } from './tls-context.ts';

const BLOCK = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g;
/** Lists in one file: one for each authority. */
const MAX_LISTS = 100;
/** Values before the revoked certificates: version, algorithm, issuer, two times. */
const HEAD_VALUES = 5;
const RIGHT = 'must be a PEM file of certificate revocation lists';

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
      throw new KeyError(`holds a list that cannot be read; ${RIGHT}`);
    }
    try {
      return { pem, nextUpdate: nextUpdateOf(Buffer.from(base64, 'base64')) };
    } catch (error) {
      if (error instanceof DerError) throw new KeyError(`holds a list that cannot be read; ${RIGHT}`);
      throw error;
    }
  });
  if (lists.length === 0) throw new KeyError(`holds no list; ${RIGHT}`);
  if (lists.length > MAX_LISTS)
    throw new KeyError(`holds ${lists.length} lists; must hold ${MAX_LISTS} or fewer`);
  return lists;
}

/** @param list DER that OpenSSL has read. */
function nextUpdateOf(list: Buffer): number | undefined {
  const [signed] = inside(onlyValue(list));
  const head = readDer(signed?.content ?? list, HEAD_VALUES);
  // The version may be missing.
  const due = head[head[0]?.tag === tags.integer ? 4 : 3];
  return due?.tag === tags.utcTime || due?.tag === tags.generalizedTime ? timeOf(due) : undefined;
}
