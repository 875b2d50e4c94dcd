import { isAbsolute, join } from 'node:path';
import { KeyError } from '../../keys/key-error.ts';
import { mayBeKey, pemTextOf } from '../../keys/key-text.ts';
import { readAuthorities, readServerCertificate } from '../../keys/server-certificate.ts';
import type { ServerCertificate } from '../../keys/tls-certificate.ts';
import { contextFault } from '../../keys/tls-context.ts';
import type { CertificateSource, PemSource } from '../config.ts';
import { FileError, readTextFile } from './text-file.ts';

/** Bytes of a file with certificates; the public roots together have a fifth of it. */
const MAX_PEM_BYTES = 1024 * 1024;

/** @param entry a path or PEM text. @param folder absolute; relative paths start there. */
export function pemSource(entry: string, folder: string): PemSource {
  const text = entry.includes('-----BEGIN') || mayBeKey(entry) ? pemTextOf(entry) : undefined;
  if (text !== undefined) return { text };
  return { file: isAbsolute(entry) ? entry : join(folder, entry) };
}

/** @throws FileError */
export function readPem(source: PemSource): string {
  return 'text' in source ? source.text : readTextFile(source.file, MAX_PEM_BYTES);
}

/** @throws FileError, KeyError when OpenSSL cannot serve it */
export function readCertificate({ cert, key, passphrase }: CertificateSource): ServerCertificate {
  const read = readServerCertificate(readPem(cert), key && readPem(key), passphrase);
  const code = contextFault({ cert: read.cert, key: read.key });
  if (code === undefined) return read;
  throw new KeyError(
    `holds a certificate or key that OpenSSL does not serve (${code}); must be RSA of 2048 bits or more, or an elliptic curve, signed with SHA-256 or better`,
  );
}

/** Authorities, PEM. @throws FileError, KeyError */
export function readAuthoritiesOf(source: PemSource): string {
  return readAuthorities(readPem(source)).map(String).join('');
}

/** Runs `read`. Its error about the material or the file goes to `onFault`, and the result is undefined. */
export function readGuarded<Result>(
  read: () => Result,
  onFault: (message: string) => void,
): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KeyError || error instanceof FileError)) throw error;
    onFault(error.message);
    return undefined;
  }
}
