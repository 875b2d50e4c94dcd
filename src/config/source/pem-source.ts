import { isAbsolute, join } from 'node:path';
import { mayBeKey, pemTextOf } from '../../keys/key-text.ts';
import { readServerCertificate } from '../../keys/server-certificate.ts';
import type { ServerCertificate } from '../../keys/tls-certificate.ts';
import type { CertificateSource, PemSource } from '../config.ts';
import { readTextFile } from './text-file.ts';

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

/** @throws FileError, KeyError */
export function readCertificate({ cert, key, passphrase }: CertificateSource): ServerCertificate {
  return readServerCertificate(readPem(cert), key && readPem(key), passphrase);
}
