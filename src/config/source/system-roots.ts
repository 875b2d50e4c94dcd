import { FileError, readTextFile } from './text-file.ts';

/** Where systems keep their trusted roots as one PEM file: Debian and Alpine, Fedora, SUSE, BSD. */
const FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
] as const;

/** Bytes of the file; the public roots together have a twentieth of it. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The trusted roots of the system, PEM; undefined where it has no file with them that can be read. */
export function readSystemRoots(): { readonly pem: string } | undefined {
  for (const file of FILES) {
    try {
      const pem = readTextFile(file, MAX_BYTES);
      if (pem.includes('-----BEGIN')) return { pem };
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }
  return undefined;
}
